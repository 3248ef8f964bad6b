import type { AdapterPayload } from 'oidc-provider';
import { newId } from '../kit/secrets.ts';
import type { LiveKey } from '../store/live.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { layout } from './live-layout.ts';
import { readGrant, readToken, type TokenLetter, writeToken } from './record-forms.ts';
import { requestMemory } from './request-memory.ts';
import type { StoredGrant } from './stored-grant.ts';
import { write } from './unit-of-work.ts';

export type Found = {
  place: Place;
  grant: StoredGrant;
  payload: AdapterPayload | undefined;
  spentBy: string | undefined;
};
type Place = { grantId: string; key: LiveKey };

/** Codes, access tokens and refresh tokens: they live beside their grant and die with it. */
export class TokenRecords {
  protected readonly context: AdapterContext;
  readonly #letter: TokenLetter;

  constructor(context: AdapterContext, { letter }: { letter: TokenLetter }) {
    this.context = context;
    this.#letter = letter;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await this.look(id);
    return found?.payload && (found.spentBy === undefined ? found.payload : asSpent(found.payload));
  }

  /** Token and grant in one round trip. Undefined when there is no such grant; without `payload` there is no such token. */
  protected async look(id: string): Promise<Found | undefined> {
    const place = layout.underGrant(this.#letter, id);
    if (!place) return undefined;
    const memory = requestMemory();
    if (memory?.looked.has(place.key)) return memory.looked.get(place.key);
    const found = await this.#read(id, place);
    memory?.looked.set(place.key, found);
    return found;
  }

  async #read(id: string, place: Place): Promise<Found | undefined> {
    const { grantId, key } = place;
    const [under, token] = await this.context.live.read([layout.grant(grantId), key]);
    if (!under) return undefined;
    const grant = readGrant(under.value);
    requestMemory()?.grants.set(grantId, { value: under.value, grant });
    const payload = token && readToken(token.value, { letter: this.#letter, grantId, grant });
    // What was given for as long as the session lasts is over with it, though the grant may live on.
    if (payload?.['expiresWithSession'] && grant.sessionOver) return undefined;
    return { place, grant, payload: payload && { ...payload, jti: id }, spentBy: token?.consumedBy };
  }

  /** Refused when the grant is gone: a token that is saved after its grant was revoked must be dead. */
  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { grantId, key } = this.placeOf(id);
    const known = requestMemory()?.grants.get(grantId);
    const value = writeToken(payload, { letter: this.#letter, grantId, grant: known?.grant });
    await write(this.context, [
      // Also when its session ended meanwhile, which is told by a change of the grant.
      known && this.#letter === 'c'
        ? { do: 'expect', key: layout.grant(grantId), value: known.value }
        : { do: 'require', key: layout.grant(grantId) },
      { do: 'put', key, value, ttlMs: timeToLive(expiresIn, 'a token') },
    ]);
  }

  /** Of any number of parallel redemptions one wins; the others learn it when they are settled (unit-of-work.ts). */
  async consume(id: string): Promise<void> {
    const { grantId, key } = this.placeOf(id);
    await write(this.context, [
      { do: 'require', key: layout.grant(grantId) },
      { do: 'consume', key, by: requestName() },
    ]);
  }

  async destroy(id: string): Promise<void> {
    const place = layout.underGrant(this.#letter, id);
    if (place) await this.context.live.commit([{ do: 'delete', key: place.key }]);
  }

  protected placeOf(id: string): Place {
    const place = layout.underGrant(this.#letter, id);
    if (!place) throw new Error('a token id that does not begin with its grant');
    return place;
  }
}

/** As the engine wants to see what was used. */
export function asSpent(payload: AdapterPayload): AdapterPayload {
  return { ...payload, consumed: payload.iat ?? 1 };
}

/**
 * A name for the request that is under way. It goes into the record that the request spends, so that a commit whose
 * reply was lost and is sent again is recognised as the same one, not taken for a thief.
 */
export function requestName(): string {
  const memory = requestMemory();
  if (!memory) return newId();
  memory.name ??= newId();
  return memory.name;
}
