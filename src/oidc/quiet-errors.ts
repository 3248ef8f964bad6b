import { errors } from 'oidc-provider';

/**
 * The engine's errors are answers to apps, and it makes three of them on every successful userinfo request in case it
 * should need them. What they cost is the stack trace, a fifth of that request, which nobody ever sees: what is logged of
 * a refusal is its words. Errors of any other kind keep theirs, those inside a `server_error` included.
 */
export function makeRefusalsCheap(): void {
  Object.setPrototypeOf(errors.OIDCProviderError, ErrorWithoutStack);
}

/** Stands between the engine's errors and Error as what `super()` calls; what they are instances of stays the same. */
function ErrorWithoutStack(this: unknown, ...given: Parameters<ErrorConstructor>): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return Reflect.construct(Error, given, new.target ?? Error);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
