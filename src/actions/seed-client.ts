import type { NewClient, NotAccepted } from '../../clients/registry/new-client.ts';
import { usesSecret } from '../../clients/registry/new-client.ts';
import { findClient } from '../../clients/registry/registry.ts';
import { liveSecrets, verifyClientSecret } from '../../clients/registry/secrets.ts';
import type { Services } from '../services.ts';
import { changeClient } from './change-client.ts';
import { registerClient } from './register-client.ts';
import { rotateClientSecret } from './rotate-client-secret.ts';

/** `clientSecret` is there when one was made here: it is told this once. */
export type SeededClient = {
  clientId: string;
  clientSecret: string | undefined;
  result: 'created' | 'changed' | 'unchanged';
  notes: string[];
};

/**
 * Brings an app to what a seed says, found by its client id: its metadata are the seed's and no more. Safe to repeat: a
 * secret that is right already stays, and another chosen one ends those before it.
 */
export async function seedClient(
  services: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log' | 'settings'>,
  { clientId, clientSecret, metadata }: NewClient & { clientId: string; metadata: Record<string, unknown> },
): Promise<({ ok: true } & SeededClient) | NotAccepted> {
  if (!(await findClient(services, clientId))) {
    const added = await registerClient(services, { metadata, clientId, clientSecret });
    if (added.ok)
      return {
        ok: true,
        clientId,
        clientSecret: clientSecret ? undefined : added.clientSecret,
        result: 'created',
        notes: added.notes,
      };
    if (added.reason === 'not_accepted') return added;
  }
  const changed = await changeClient(services, { clientId, changes: metadata, whole: true });
  if (!changed.ok && changed.reason === 'not_accepted') return changed;
  if (!changed.ok) throw new Error(`the app ${clientId} went away while it was seeded`);
  const { client } = changed;
  const secret = usesSecret(client.metadata) ? await bringSecret(services, client, clientSecret) : unchanged;
  const result = changed.changed || secret.changed ? 'changed' : 'unchanged';
  return { ok: true, clientId, clientSecret: secret.made, result, notes: changed.notes };
}

type Bring = { changed: boolean; made: string | undefined };
const unchanged: Bring = { changed: false, made: undefined };

async function bringSecret(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  client: Parameters<typeof verifyClientSecret>[0]['client'] & { clientId: string },
  chosen: string | undefined,
): Promise<Bring> {
  const now = services.clock.now();
  const right = chosen
    ? verifyClientSecret({ client }, chosen, now)
    : liveSecrets(client.secrets, now).length > 0;
  if (right) return unchanged;
  const rotated = await rotateClientSecret(services, {
    clientId: client.clientId,
    overlapMs: 0,
    ...(chosen ? { clientSecret: chosen } : {}),
  });
  if (!rotated.ok) throw new Error(`the app ${client.clientId} went away while it was seeded`);
  return { changed: true, made: chosen ? undefined : rotated.clientSecret };
}
