import type { PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { StoreUnavailable } from './live.ts';
import { beginning, commitOnce, numberOf } from './postgres-commit.ts';
import { rethrow } from './postgres-errors.ts';
import { type Wrote, watchWrites } from './written-tables.ts';

/** A page's query is answered or refused within `inAll`, the wait for a connection included: it leaves time to say so. */
export const limitsOf = (timeoutMs: number) => ({
  connection: Math.round(0.6 * timeoutMs),
  statement: Math.round(0.7 * timeoutMs),
  inAll: Math.round(0.85 * timeoutMs),
});
type Limits = ReturnType<typeof limitsOf>;

/** What is left of a transaction whose connection is used no more: the server rolls it back, and what went wrong is the first error. */
const rolledBack = { command: 'ROLLBACK', rowCount: 0, rows: [] };

/**
 * A connection of the pool while it is lent. One that failed to answer is used no more: its late answers would be taken for those
 * of the next query, and a rollback would wait as long again. It goes at once, so that who asks for another waits for no dead one.
 */
export class PostgresLine implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #pool: pg.Pool;
  readonly #limits: Limits;
  readonly #writes: ReturnType<typeof watchWrites>;
  #silent: StoreUnavailable | undefined;
  #lent = false;
  #transaction = '';
  /** Milliseconds that the next query may take; undefined for as long as it takes. */
  #patience: number | undefined;

  constructor(
    client: pg.PoolClient,
    { pool, limits, wrote }: { pool: pg.Pool; limits: Limits; wrote: Wrote },
  ) {
    this.#client = client;
    this.#pool = pool;
    this.#limits = limits;
    this.#writes = watchWrites(wrote);
  }

  /** `waitedMs`: for the connection; the first query has what that left over. `patient`: as long as it takes. */
  lend({ waitedMs, patient }: { waitedMs: number; patient: boolean }): this {
    const { inAll, connection } = this.#limits;
    this.#lent = true;
    this.#patience = patient ? undefined : inAll - Math.min(waitedMs, connection);
    return this;
  }

  // kysely's other form takes a cursor, for streaming, which nothing here does.
  readonly query = this.#query.bind(this) as unknown as PostgresPoolClient['query'];

  release(discard?: boolean): void {
    if (this.#lent) this.#client.release(discard === true);
    this.#lent = false;
  }

  async #query(text: string, values: readonly unknown[]): Promise<unknown> {
    if (this.#silent && text === 'rollback') return rolledBack;
    if (this.#silent) throw this.#silent;
    if (/^(begin|start)/.test(text)) return this.#begin(text);
    if (/^(commit|rollback)$/.test(text)) return this.#end(text);
    return this.#send(text, values).finally(() => this.#writes.ran(text));
  }

  async #begin(text: string): Promise<unknown> {
    this.#writes.began();
    const begun = await this.#send(beginning(text));
    this.#transaction = numberOf(begun);
    return begun;
  }

  async #end(text: string): Promise<unknown> {
    try {
      return text === 'commit' ? await this.#commit() : await this.#send(text);
    } catch (error) {
      if (this.#silent && text === 'rollback') return rolledBack;
      throw error;
    } finally {
      this.#writes.ended();
    }
  }

  async #commit(): Promise<unknown> {
    const of = { pool: this.#pool, id: this.#transaction, timeoutMs: this.#limits.inAll };
    return commitOnce(of, () => this.#send('commit'));
  }

  async #send(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    const patience = this.#patience && { query_timeout: this.#patience };
    if (this.#patience) this.#patience = this.#limits.inAll;
    try {
      return await this.#client.query({ text, values: [...values], ...patience });
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) && !(error instanceof TypeError)) this.#discard(error);
      return rethrow(error);
    }
  }

  #discard(error: unknown): void {
    this.#silent = new StoreUnavailable('records', error);
    this.release(true);
  }
}
