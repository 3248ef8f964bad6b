import type { AdapterPayload } from 'oidc-provider';
import { errors, Provider } from 'oidc-provider';
import { newId } from '../kit/secrets.ts';
import type { LiveKey } from '../store/live.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { fromStored, layout, toStored } from './live-layout.ts';
import { requestMemory } from './request-memory.ts';
import { write } from './unit-of-work.ts';

/** Codes, access tokens and refresh tokens: they live beside their grant and die with it. */
export class TokenRecords {
  readonly #context: AdapterContext;
  readonly #letter: 'c' | 'a' | 'r';

  constructor(context: AdapterContext, { letter }: { letter: 'c' | 'a' | 'r' }) {
    this.#context = context;
    this.#letter = letter;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const place = layout.underGrant(this.#letter, id);
    if (!place) return undefined;
    const [grant, token] = await this.#context.live.read([layout.grant(place.grantId), place.key]);
    if (!grant || !token) return undefined;
    requestMemory()?.grants.set(place.grantId, grant.value);
    const payload = fromStored(token.value, id);
    return token.consumedBy === undefined ? payload : { ...payload, consumed: payload.iat ?? 1 };
  }

  /** Refused when the grant is gone: a token that is saved after its grant was revoked must be dead. */
  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const place = this.#placeOf(id);
    await write(this.#context, [
      { do: 'require', key: layout.grant(place.grantId) },
      { do: 'put', key: place.key, value: toStored(payload), ttlMs: timeToLive(expiresIn, 'a token') },
    ]);
  }

  /** Of any number of parallel redemptions one wins; the others learn it when they are settled (unit-of-work.ts). */
  async consume(id: string): Promise<void> {
    const place = this.#placeOf(id);
    await write(this.#context, [
      { do: 'require', key: layout.grant(place.grantId) },
      { do: 'consume', key: place.key, by: requestName() },
    ]);
  }

  async destroy(id: string): Promise<void> {
    const place = layout.underGrant(this.#letter, id);
    if (place) await this.#context.live.commit([{ do: 'delete', key: place.key }]);
  }

  #placeOf(id: string): { grantId: string; key: LiveKey } {
    const place = layout.underGrant(this.#letter, id);
    if (!place) throw new Error('a token id that does not begin with its grant');
    return place;
  }
}

/** Records that belong to no grant: client credentials tokens and pushed requests. */
export class LoneTokenRecords {
  readonly #context: AdapterContext;
  readonly #letter: 'k' | 'p';
  readonly #refuseSpent: () => Error;

  constructor(
    context: AdapterContext,
    { letter, refuseSpent }: { letter: 'k' | 'p'; refuseSpent?: () => Error },
  ) {
    this.#context = context;
    this.#letter = letter;
    this.#refuseSpent = refuseSpent ?? (() => new errors.InvalidGrant('already used'));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const [entry] = await this.#context.live.read([layout.alone(this.#letter, id)]);
    if (!entry) return undefined;
    const payload = fromStored(entry.value, id);
    return entry.consumedBy === undefined ? payload : { ...payload, consumed: payload.iat ?? 1 };
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const key = layout.alone(this.#letter, id);
    await this.#context.live.commit([
      { do: 'put', key, value: toStored(payload), ttlMs: timeToLive(expiresIn, 'a token') },
    ]);
  }

  async consume(id: string): Promise<void> {
    const key = layout.alone(this.#letter, id);
    const spent = await this.#context.live.commit([{ do: 'consume', key, by: requestName() }]);
    if (!spent.ok) throw this.#refuseSpent();
  }

  async destroy(id: string): Promise<void> {
    await this.#context.live.commit([{ do: 'delete', key: layout.alone(this.#letter, id) }]);
  }
}

const names = new WeakMap<object, string>();

/**
 * A name for the request that is under way. It goes into the record that the request spends, so that a commit whose
 * reply was lost and is sent again is recognised as the same one, not taken for a thief.
 */
function requestName(): string {
  const ctx = Provider.ctx;
  if (!ctx) return newId();
  const known = names.get(ctx) ?? newId();
  names.set(ctx, known);
  return known;
}
