import pg from 'pg';
import { StoreUnavailable } from './live.ts';
import { onceMore } from './once-more.ts';
import { rethrow } from './postgres-errors.ts';

/**
 * A transaction is known by its number, from its first word on: so whether a COMMIT was heard whose reply is lost, the server
 * says itself (pg_current_xact_id and pg_xact_status, since PostgreSQL 13:
 * https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-PG-SNAPSHOT). Nobody else's change is taken for it.
 */
export const beginning = (begin: string) => `${begin}; select pg_current_xact_id()::text as id`;

/** What the server answers to `beginning`: one result for each of the two. */
export function numberOf(begun: unknown): string {
  const [, { rows: [{ id = '' } = {}] = [] } = {}] = begun as { rows?: { id?: string }[] }[];
  return id;
}

/**
 * `send`: the COMMIT. Where its reply is lost and the server answers again while the page still waits, this resolves as if it had
 * come, or rejects since it is not kept. Else it rejects with what may be asked later (StoreUnavailable.isKept).
 */
export async function commitOnce(
  { pool, id, timeoutMs }: { pool: pg.Pool; id: string; timeoutMs: number },
  send: () => Promise<pg.QueryResult>,
): Promise<pg.QueryResult> {
  const isKept = () => askWhetherKept(pool, { id, timeoutMs });
  let lost: unknown;
  const sent = () =>
    send().catch((error: unknown) => {
      lost = error;
      throw error;
    });
  try {
    return await onceMore(timeoutMs, async (again) => {
      if (again && !(await isKept())) throw new NotKept();
      return again ? committed : await sent();
    });
  } catch (error) {
    if (error instanceof NotKept) throw lost;
    throw error instanceof StoreUnavailable ? new StoreUnavailable('records', lost, { isKept }) : error;
  }
}

const committed = { command: 'COMMIT', rowCount: 0, rows: [], oid: 0, fields: [] };

class NotKept extends Error {}

async function askWhetherKept(
  pool: pg.Pool,
  { id, timeoutMs }: { id: string; timeoutMs: number },
): Promise<boolean> {
  const client = await pool.connect().catch(rethrow);
  let failed = true;
  try {
    const text = 'select pg_xact_status($1::xid8) as status';
    const asked = { text, values: [id], query_timeout: timeoutMs };
    const { rows } = await client.query<{ status: string | null }>(asked);
    failed = false;
    const [{ status = null } = {}] = rows;
    // The server has not noticed yet that the connection is gone, or is only now at the COMMIT.
    if (status === 'in progress')
      throw new StoreUnavailable('records', new Error('the transaction goes on yet'));
    return status === 'committed';
  } catch (error) {
    // A standby that took over without it: what it has not heard of is in its future (22023).
    if (error instanceof pg.DatabaseError && error.code === '22023') return false;
    return rethrow(error);
  } finally {
    client.release(failed);
  }
}
