import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Limited } from '../src/limits/limits.ts';
import { Problem } from '../src/web/problem.ts';

type Begun = { ok: true; options: object } | { ok: false; reason: 'too_many' | 'unavailable' } | Limited;

/** What shared/assets/passkeys.js reads: `{ options }`, or a status that it has a sentence for. */
export function answerOptions(ctx: RouterContext, begun: Begun): void {
  ctx.set('Cache-Control', 'no-store');
  if (begun.ok) {
    ctx.body = { options: begun.options };
    return;
  }
  if (begun.reason !== 'limited') throw elsewhere();
  ctx.set('Retry-After', String(begun.retryAfterSeconds));
  ctx.status = 429;
  ctx.body = { error: 'limited' };
}

/** The page is not the current one any more: its script loads it anew, and the server shows what is. */
export function elsewhere(): Problem {
  return new Problem({ status: 409, code: 'start_over', messageKey: 'problem.malformed_request' });
}

/** What the browser answered, as one field. What it must be is the verb's business (credentials/webauthn-response.ts). */
export function passkeyResponse(ceremony: 'get' | 'create') {
  const missing = `passkey.${ceremony}.failed`;
  return z.string(missing).min(1, missing).max(14_000, missing);
}
