import type { AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { layout } from './live-layout.ts';
import { readLoneToken, writeLoneToken } from './record-forms.ts';
import { spendAlone } from './spend-alone.ts';
import { asSpent } from './token-records.ts';

type LoneLetter = 'k' | 'p';

/** Records that belong to no grant: client credentials tokens and pushed requests. */
export class LoneTokenRecords {
  readonly #context: AdapterContext;
  readonly #letter: LoneLetter;
  readonly #refuseSpent: () => Error;

  constructor(
    context: AdapterContext,
    { letter, refuseSpent }: { letter: LoneLetter; refuseSpent?: () => Error },
  ) {
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
    return entry.consumedBy === undefined ? payload : asSpent(payload);
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const key = layout.alone(this.#letter, id);
    const value = writeLoneToken(payload, this.#letter);
    await this.#context.live.commit([{ do: 'put', key, value, ttlMs: timeToLive(expiresIn, 'a token') }]);
  }

  async consume(id: string): Promise<void> {
    const key = layout.alone(this.#letter, id);
    const { clock } = this.#context;
    const ttlMs = (value: string) => (readLoneToken(value, this.#letter).exp ?? 0) * 1000 - clock.now();
    if (!(await spendAlone(this.#context, { key, ttlMs }))) throw this.#refuseSpent();
  }

  async destroy(id: string): Promise<void> {
    await this.#context.live.commit([{ do: 'delete', key: layout.alone(this.#letter, id) }]);
  }
}

const shape = /^[A-Za-z0-9_-]{1,64}$/;
