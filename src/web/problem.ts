import type { Context, Middleware } from 'koa';
import { describeError, type Log } from './log.ts';
import { requestState, sourceOf } from './request-state.ts';
import { dropUnreadBody } from './unread-body.ts';
import type { MessageValues } from './words.ts';

/**
 * Why a request gets the error page: anything that is not a normal no. `code` is stable, for the meta tag and for
 * tests; the page's words are `<messageKey>.title`, `.sentence` and `.next` (messageKey is `problem.<code>` unless
 * given); `reason` is for the log alone and says what was wrong without repeating what was sent.
 */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly messageKey: string;
  readonly values: MessageValues;
  readonly retryAfter: number | undefined;
  /** A line of technical detail for developers, shown as text. */
  readonly detail: string | undefined;

  constructor(members: {
    status: number;
    code: string;
    reason?: string;
    messageKey?: string;
    values?: MessageValues;
    retryAfter?: number;
    detail?: string;
    cause?: unknown;
  }) {
    super(members.reason ?? members.code, { cause: members.cause });
    this.name = 'Problem';
    this.status = members.status;
    this.code = members.code;
    this.messageKey = members.messageKey ?? `problem.${members.code}`;
    this.values = members.values ?? {};
    this.retryAfter = members.retryAfter;
    this.detail = members.detail;
  }
}

/** No such page, also for what exists but is not this person's to see. */
export function notFound(): Problem {
  return new Problem({ status: 404, code: 'not_found' });
}

/** Turns whatever was thrown, and an answer nobody gave, into the one error page, and one log line with the cause. */
export function problems({ log }: { log: Log }): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      const unanswered = problemOfSilence(ctx);
      if (unanswered) throw unanswered;
    } catch (error) {
      const problem = problemOf(error);
      report({ log }, ctx, problem, error);
      // Half an answer is out already. Cutting the connection is the one way left to say that it is not whole.
      if (ctx.headerSent) return void ctx.res.destroy();
      await showProblem({ log }, ctx, problem);
    }
  };
}

/** Answers with the error page, or with JSON for who asked for JSON. The engine's own errors come through here too. */
export async function showProblem({ log }: { log: Log }, ctx: Context, problem: Problem): Promise<void> {
  const source = sourceOf(ctx);
  const reference = referenceOf(source.requestId);
  ctx.status = problem.status;
  ctx.set('Cache-Control', 'no-store');
  if (!(await dropUnreadBody(ctx.req))) ctx.set('Connection', 'close');
  if (problem.retryAfter !== undefined) ctx.set('Retry-After', String(Math.ceil(problem.retryAfter)));
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.body = { error: problem.code, reference };
    return;
  }
  try {
    await requestState(ctx).pages.showProblemPage(ctx, problem, reference);
  } catch (error) {
    log.error({ requestId: source.requestId, error: describeError(error) }, 'the error page itself failed');
    ctx.type = 'text';
    ctx.body = `Something went wrong. Reference ${reference}\n`;
  }
}

/** The short form of a request id that people can read to one another; the log line has both. */
export function referenceOf(requestId: string): string {
  return `${requestId.slice(0, 4)}-${requestId.slice(4, 8)}`;
}

function problemOfSilence(ctx: Context): Problem | undefined {
  if (ctx.body !== undefined && ctx.body !== null) return undefined;
  if (ctx.respond === false || ctx.headerSent) return undefined;
  if (ctx.status === 404) return notFound();
  // The router has set Allow already (RFC 9110 section 15.5.6).
  if (ctx.status === 405 || ctx.status === 501)
    return new Problem({ status: 405, code: 'method_not_allowed' });
  return undefined;
}

/** Known by name: the stores, the queue and the engine are other rooms' and their errors are not ours to import. */
const outages = new Set<unknown>(['QueueFull', 'StoreUnavailable', 'TemporarilyUnavailable']);

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { name, retryAfter } = (error ?? {}) as { name?: unknown; retryAfter?: unknown };
  if (!outages.has(name)) return new Problem({ status: 500, code: 'internal', cause: error });
  const seconds = typeof retryAfter === 'number' ? retryAfter : 5;
  return new Problem({ status: 503, code: 'unavailable', retryAfter: seconds, cause: error });
}

function report({ log }: { log: Log }, ctx: Context, problem: Problem, error: unknown): void {
  const { requestId, ip } = sourceOf(ctx);
  const members = {
    requestId,
    reference: referenceOf(requestId),
    ip,
    problem: problem.code,
    status: problem.status,
  };
  if (problem.status >= 500 && error !== undefined)
    log.error({ ...members, error: describeError(error) }, 'a request failed');
  else log.info({ ...members, reason: problem.message }, 'a request was refused');
}
