import type { AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { LiveEntry } from '../store/live.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { isFromEarlierLife } from './earlier-life.ts';
import { currentContext } from './engine-context.ts';
import type { KnownRecords } from './known-records.ts';
import { isLoneId, layout } from './live-layout.ts';
import { readLoneToken, writeLoneToken } from './record-forms.ts';
import { requestMemory } from './request-memory.ts';
import { spendAlone } from './spend-alone.ts';
import { asSpent } from './token-records.ts';
import { beside } from './unit-of-work.ts';

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
    if (!isLoneId(id)) return undefined;
    const [entry] = await this.#read(id);
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

  /** Once in a request, and that may have begun before the engine asked: session-ahead.ts. */
  #read(id: string): Promise<(LiveEntry | undefined)[]> {
    const memory = requestMemory();
    const key = layout.alone(this.#letter, id);
    if (memory?.lone?.key === key) return memory.lone.reading;
    const reading = this.#context.live.read([key]);
    if (memory) memory.lone = { key, reading };
    return reading;
  }

  /** Beside what it is spent for, whose answer leaves only where this is the first to spend it (settle.ts). */
  async consume(id: string): Promise<void> {
    const key = layout.alone(this.#letter, id);
    const { clock } = this.#context;
    const ttlMs = (value: string) => (readLoneToken(value, this.#letter).exp ?? 0) * 1000 - clock.now();
    const spend = spendAlone(this.#context, { key, ttlMs });
    await beside(async () => {
      if (!(await spend())) throw this.#refuseSpent();
    });
  }

  async destroy(id: string): Promise<void> {
    await this.#context.live.commit([{ do: 'delete', key: layout.alone(this.#letter, id) }]);
  }
}
