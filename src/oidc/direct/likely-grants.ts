import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../services.ts';
import { layout } from '../live-layout.ts';
import { readGrant } from '../record-forms.ts';
import { memoryOf } from '../request-memory.ts';

/**
 * Which grant a session had for an app when it last came to this process, so that the grant is asked for beside the
 * session and not after it. Nothing follows from it but that a record is at hand: the session says which grant it has, and
 * the code is kept only where the grant still reads as it was read here.
 */
export type LikelyGrants = {
  /** Resolves when what was asked for is there; never rejects. */
  readAhead(ctx: KoaContextWithOIDC, place: Place): Promise<void>;
  remember(place: Place, grantId: string): void;
};
type Place = { uid: string; clientId: string };

const most = 10_000;

export function openLikelyGrants({ live }: Pick<Services, 'live'>): LikelyGrants {
  const known = new Map<string, string>();
  const nameOf = ({ uid, clientId }: Place) => `${uid} ${clientId}`;

  return {
    async readAhead(ctx, place) {
      const grantId = known.get(nameOf(place));
      if (grantId === undefined) return;
      try {
        const [entry] = await live.read([layout.grant(grantId)]);
        if (entry) memoryOf(ctx).grants.set(grantId, { value: entry.value, grant: readGrant(entry.value) });
      } catch {
        // Who is in need of it asks again, and hears what is wrong. Nobody may be: a limit may have turned them away.
      }
    },
    remember(place, grantId) {
      const name = nameOf(place);
      known.delete(name);
      known.set(name, grantId);
      const [oldest] = known.keys();
      if (known.size > most && oldest !== undefined) known.delete(oldest);
    },
  };
}
