import pg from 'pg';
import { StoreUnavailable } from './live.ts';

export function rethrow(error: unknown): never {
  throw isUnavailable(error) ? new StoreUnavailable('records', error) : error;
}

/**
 * By SQLSTATE (https://www.postgresql.org/docs/15/errcodes-appendix.html): connection lost, resources used up, shutting
 * down or starting, system error, stopped for time or by a lock, a standby that takes no writes. What is wrong with the
 * statement or the login stays what it is. Anything that did not come from the server is the way to it.
 */
function isUnavailable(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof StoreUnavailable) return false;
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(08|53|57|58|40001|40P01|55P03|25006)/.test(error.code ?? '');
}
