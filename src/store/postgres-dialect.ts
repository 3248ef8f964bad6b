import type { Dialect, PostgresPoolClient } from 'kysely';
import { PostgresDialect } from 'kysely';
import pg from 'pg';
import { StoreUnavailable } from './live.ts';
import { type Wrote, watchWrites } from './written-tables.ts';

/** int8 (times, counts) and numeric (sums of them) as numbers: ours stay below 2^53, and SQLite answers numbers too. */
const asNumbers = [20, 1700];
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    asNumbers.includes(oid) ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;

/** A page's query is answered or refused within `inAll`, the wait for a connection included: it leaves time to say so. */
const limitsOf = (timeoutMs: number) => ({
  connection: Math.round(0.6 * timeoutMs),
  statement: Math.round(0.7 * timeoutMs),
  inAll: Math.round(0.85 * timeoutMs),
});
type Limits = ReturnType<typeof limitsOf>;

/**
 * kysely on pg, for pages: a server that does not answer is StoreUnavailable within `timeoutMs`, and the next query after
 * it came back finds it. `patient` is for migrations, where a lock or an index may take its time.
 */
export function postgresDialect({
  url,
  timeoutMs,
  patient,
  wrote,
}: {
  url: string;
  timeoutMs: number;
  patient: boolean;
  wrote: Wrote;
}): Dialect {
  const limits = limitsOf(timeoutMs);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'latchkey',
    types,
    max: patient ? 1 : 10,
    // Covers the wait for a free connection as well as making one.
    connectionTimeoutMillis: patient ? 5000 : limits.connection,
    // The server stops a slow statement itself, which keeps the connection; our own limit (in guard) is for a server
    // that has gone silent.
    ...(patient
      ? {}
      : { statement_timeout: limits.statement, idle_in_transaction_session_timeout: 5 * timeoutMs }),
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    idleTimeoutMillis: 60_000,
  });
  // A connection that breaks also says so as an event, from the pool while idle and from itself while in use; an event
  // that nobody hears would end the process. The query that needed it fails by itself.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));

  const guarded = new WeakMap<pg.PoolClient, GuardedClient>();
  return new PostgresDialect({
    pool: {
      options: pool.options,
      end: () => pool.end(),
      async connect() {
        const askedAt = performance.now();
        const client = await pool.connect().catch(rethrow);
        const known = guarded.get(client) ?? guard(client, { limits, wrote });
        guarded.set(client, known);
        if (!patient) known.lend(askedAt);
        return known;
      },
    },
  });
}

/** What is left of a transaction whose connection is used no more: the server rolls it back, and what went wrong is the first error. */
const rolledBack = { command: 'ROLLBACK', rowCount: 0, rows: [] };

type GuardedClient = PostgresPoolClient & { lend(askedAt: number): void };

/**
 * A connection that failed to answer is used no more: its late answers would be taken for those of the next query, and a
 * rollback would wait as long again.
 */
function guard(client: pg.PoolClient, { limits, wrote }: { limits: Limits; wrote: Wrote }): GuardedClient {
  const writes = watchWrites(wrote);
  let silent: StoreUnavailable | undefined;
  let patience: number | undefined;
  const query = async (text: string, values: readonly unknown[]) => {
    const rollback = text === 'rollback';
    if (silent && rollback) return rolledBack;
    if (silent) throw silent;
    try {
      return await client.query({ text, values: [...values], ...(patience && { query_timeout: patience }) });
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) && !(error instanceof TypeError))
        silent = new StoreUnavailable('records', error);
      if (silent && rollback) return rolledBack;
      return rethrow(error);
    } finally {
      if (patience) patience = limits.inAll;
      if (/^begin|^start/.test(text)) writes.began();
      else if (/^commit|^rollback$/.test(text)) writes.ended();
      else writes.ran(text);
    }
  };
  return {
    // kysely's other form takes a cursor, for streaming, which nothing here does.
    query: query as unknown as PostgresPoolClient['query'],
    release: (discard) => client.release(discard === true || silent !== undefined),
    lend(askedAt) {
      // The first query has what the wait for the connection left over.
      patience = limits.inAll - Math.min(performance.now() - askedAt, limits.connection);
    },
  };
}

function rethrow(error: unknown): never {
  throw isUnavailable(error) ? new StoreUnavailable('records', error) : error;
}

/**
 * By SQLSTATE (https://www.postgresql.org/docs/15/errcodes-appendix.html): connection lost, resources used up, shutting
 * down or starting, system error, stopped for time or by a lock, a standby that takes no writes. What is wrong with the
 * statement or the login stays what it is. Anything that did not come from the server is the way to it.
 */
function isUnavailable(error: unknown): boolean {
  if (error instanceof TypeError) return false;
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(08|53|57|58|40001|40P01|55P03|25006)/.test(error.code ?? '');
}
