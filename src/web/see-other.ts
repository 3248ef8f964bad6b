import type { Context } from 'koa';

/**
 * Answers 303 with one of our own paths. 303 and nothing else, because a browser repeats the body of a POST after 307
 * and 308, passwords included (RFC 9700 section 4.12). Throws for anything that a browser could read as another site:
 * a path is written by us, never taken from a request.
 */
export function seeOther(ctx: Pick<Context, 'status' | 'set' | 'body'>, path: string): void {
  if (!isOwnPath(path)) throw new Error('seeOther was given something other than one of our paths');
  ctx.status = 303;
  ctx.set('Location', path);
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
}

/** `/one/of/ours?a=b`. Backslashes, control characters and `//` are how a path becomes another host in a browser. */
export function isOwnPath(path: string): boolean {
  if (!/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(path)) return false;
  const base = 'https://own.invalid';
  const url = new URL(path, base);
  return url.origin === base && `${url.pathname}${url.search}${url.hash}` === path;
}
