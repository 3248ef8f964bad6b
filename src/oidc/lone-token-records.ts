import type { AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { isFromEarlierLife } from './earlier-life.ts';
import { currentContext } from './engine-context.ts';
import type { KnownRecords } from './known-records.ts';
import { layout } from './live-layout.ts';
import { readLoneToken, writeLoneToken } from './record-forms.ts';
import { asSpent, requestName } from './token-records.ts';

type LoneLetter = 'k' | 'p';
type Context = AdapterContext & { known: KnownRecords };

/** Records that belong to no grant: client credentials tokens and pushed requests. */
export class LoneTokenRecords {
  readonly #context: Context;
  readonly #letter: LoneLetter;
  readonly #refuseSpent: () => Error;

  constructor(context: Context, { letter, refuseSpent }: { letter: LoneLetter; refuseSpent?: () => Error }) {
    this.#context = context;
    this.#letter = letter;
    this.#refuseSpent = refuseSpent ?? (() => new errors.InvalidGrant('already used'));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    // A token of a grant is longer: introspection asks for every kind it could be, and one question is enough.
    if (!shape.test(id)) return undefined;
    const [entry] = await this.#context.live.read([layout.alone(this.#letter, id)]);
    if (!entry) return undefined;
    const payload = { ...readLoneToken(entry.value, this.#letter), jti: id };
    if (await isFromEarlierLife(this.#context.known, this.#ownerOf(payload), payload)) return undefined;
    return entry.consumedBy === undefined ? payload : asSpent(payload);
  }

  /** A pushed request says whose it is inside of what it wraps; the engine takes it from nobody else. */
  #ownerOf(payload: AdapterPayload): string | undefined {
    return this.#letter === 'k' ? payload.clientId : currentContext()?.oidc.client?.clientId;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const key = layout.alone(this.#letter, id);
    const value = writeLoneToken(payload, this.#letter);
    await this.#context.live.commit([{ do: 'put', key, value, ttlMs: timeToLive(expiresIn, 'a token') }]);
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

const shape = /^[A-Za-z0-9_-]{1,64}$/;
