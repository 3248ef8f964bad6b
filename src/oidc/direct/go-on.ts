import type { IncomingMessage } from 'node:http';
import type { Settings } from '../../settings.ts';
import { StoreUnavailable } from '../../store/live.ts';
import { handOnOutage } from '../request-memory.ts';
import { TemporarilyUnavailable } from '../unavailable.ts';

/** Of the time that a page may wait. What failed sooner is tried anew by the engine: a connection may have broken that nobody used. */
const soon = 0.3;

/**
 * Before a request that failed on the direct way goes on to the engine: a store that was waited for all this time is not waited
 * for again there. `begun`: when the direct way took it, by `performance.now()`.
 */
export function rememberOutage(
  { settings }: { settings: Pick<Settings, 'STORE_TIMEOUT_MS'> },
  { req, begun, error }: { req: IncomingMessage; begun: number; error: unknown },
): void {
  if (performance.now() - begun < soon * settings.STORE_TIMEOUT_MS) return;
  if (error instanceof TemporarilyUnavailable) handOnOutage(req, error);
  else if (error instanceof StoreUnavailable) handOnOutage(req, new TemporarilyUnavailable(error));
}
