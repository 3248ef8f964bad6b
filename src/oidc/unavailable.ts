import { errors } from 'oidc-provider';
import { StoreUnavailable } from '../store/live.ts';
import { requestMemory } from './request-memory.ts';

/** How long an app or a browser is asked to wait, in seconds. */
export const retryAfterSeconds = 2;

/**
 * A store that does not answer, in the engine's terms: 503 `temporarily_unavailable` (RFC 6749 section 4.1.2.1), shown here
 * and never sent on to the app, since nothing says that the app was right to ask.
 */
export class TemporarilyUnavailable extends errors.OIDCProviderError {
  override expose = true;
  override error_description = 'the service is not available right now, try again';

  constructor(cause: unknown) {
    super(503, 'temporarily_unavailable');
    this.cause = cause;
    Object.assign(this, { allow_redirect: false });
  }
}

/** 429: what may be asked again, later. No specification has a code for it; the status says what is meant. */
export class TooManyRequests extends errors.OIDCProviderError {
  override expose = true;
  override error_description: string;

  constructor(description: string) {
    super(429, 'temporarily_unavailable');
    this.error_description = description;
  }
}

/**
 * Runs what asks a store on the engine's behalf. Without this, the engine would call an outage its own 500. After the
 * first one the request asks no store again: the engine looks for the app once more to word its error, and a store that
 * stands still would be waited for twice.
 */
export async function asEngineError<Result>(work: () => Promise<Result>): Promise<Result> {
  const memory = requestMemory();
  if (memory?.outage) throw memory.outage;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const outage = new TemporarilyUnavailable(error);
    if (memory) memory.outage = outage;
    throw outage;
  }
}
