import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type { Pages } from './page.ts';
import type { RequestSource } from './request-source.ts';
import type { Translator } from './words.ts';

declare module 'koa' {
  interface DefaultState {
    source: RequestSource;
    words: Translator;
    /** Sign-ins that wait for the yes of whoever is signed in; for the account pages. */
    openApprovals?: number;
  }
}

/** What the first middlewares found out about a request, for every page that answers it. */
export type RequestState = {
  source: RequestSource;
  words: Translator;
  pages: Pages;
  /** The CSP nonce of the one page this request may answer with. */
  nonce: string;
};

// Keyed by Node's request, not kept on Koa's context alone: the engine answers inside a Koa application of its own,
// whose contexts are not ours, and its error pages must be our error page.
const states = new WeakMap<IncomingMessage, Partial<RequestState>>();

export function setRequestState(ctx: Pick<Context, 'req' | 'state'>, members: Partial<RequestState>): void {
  const state = states.get(ctx.req) ?? {};
  states.set(ctx.req, Object.assign(state, members));
  if (members.source) ctx.state.source = members.source;
  if (members.words) ctx.state.words = members.words;
}

/** Where the request comes from: known on every way through the server, also where no page is ever shown. */
export function sourceOf(ctx: Pick<Context, 'req'>): RequestSource {
  const source = states.get(ctx.req)?.source;
  if (!source) throw new Error('a request was answered before its source was known');
  return source;
}

export function requestState(ctx: Pick<Context, 'req'>): RequestState {
  const state = states.get(ctx.req);
  if (!state?.source || !state.words || !state.pages || !state.nonce)
    throw new Error('a page was asked for before the middlewares of src/web ran');
  return state as RequestState;
}
