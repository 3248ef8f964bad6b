import { type Dialect, PostgresDialect } from 'kysely';
import pg from 'pg';
import { rethrow } from './postgres-errors.ts';
import { limitsOf, PostgresLine } from './postgres-line.ts';
import type { Wrote } from './written-tables.ts';

/** int8 (times, counts) and numeric (sums of them) as numbers: ours stay below 2^53, and SQLite answers numbers too. */
const asNumbers = [20, 1700];
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    asNumbers.includes(oid) ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;

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
    // The server stops a slow statement itself, which keeps the connection; our own limit (in postgres-line.ts) is for a server
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

  const lines = new WeakMap<pg.PoolClient, PostgresLine>();
  return new PostgresDialect({
    pool: {
      options: pool.options,
      end: () => pool.end(),
      async connect() {
        const askedAt = performance.now();
        const client = await pool.connect().catch(rethrow);
        const line = lines.get(client) ?? new PostgresLine(client, { pool, limits, wrote });
        lines.set(client, line);
        return line.lend({ waitedMs: performance.now() - askedAt, patient });
      },
    },
  });
}
