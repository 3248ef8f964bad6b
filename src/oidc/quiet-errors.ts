import { errors } from 'oidc-provider';

/**
 * The engine's errors are answers to apps, and it makes three of them on every successful userinfo request in case it
 * should need them. What they cost is the stack trace, which is half of that request (docs/performance.md), and nobody
 * ever sees it: what is logged of a refusal is its words. Here they become plain objects that are still instances of
 * Error and of their classes; every other error keeps its stack, those inside a `server_error` included.
 */
export function makeRefusalsCheap(): void {
  if (Object.getPrototypeOf(errors.OIDCProviderError) === Refusal) return;
  Object.setPrototypeOf(errors.OIDCProviderError, Refusal);
  // The engine's classes each ask for a stack once more.
  const capture = Error.captureStackTrace;
  Error.captureStackTrace = (target, below) => {
    if (!(target instanceof errors.OIDCProviderError)) capture(target, below);
  };
}

/** What `super()` of the engine's base class calls in the place of Error. */
function Refusal(this: { message: string; cause?: unknown }, message: string, options?: ErrorOptions): void {
  this.message = message;
  if (options?.cause !== undefined) this.cause = options.cause;
}
Refusal.prototype = Error.prototype;
