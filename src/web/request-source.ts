import { type BlockList, isIP } from 'node:net';
import type { Context, Middleware } from 'koa';
import { random } from '../kit/random.ts';
import { familyOf, trustedProxies } from '../kit/trusted-proxies.ts';
import type { Settings } from '../settings.ts';
import { readKnownBrowser } from './known-browser-cookie.ts';
import { setRequestState } from './request-state.ts';

/** Where a request comes from, as far as we believe it: handed to verbs for limits and the audit record. */
export type RequestSource = {
  /** The client's address, from the socket or from a trusted proxy's header. */
  ip: string;
  /** The User-Agent header, cut to 400 characters. */
  userAgent: string;
  /** The log's and the problem page's reference. */
  requestId: string;
  /** The cookie of a browser that signed in before. Never logged: it is a secret. */
  browser?: string | undefined;
};

/** The first middleware. The id is always ours: one taken from the request could be made to look like another's. */
export function requestSource({
  settings,
}: {
  settings: Pick<Settings, 'TRUSTED_PROXIES' | 'issuer'>;
}): Middleware {
  const trusted = trustedProxies(settings.TRUSTED_PROXIES);
  return (ctx, next) => {
    const source = {
      ip: clientAddress(ctx.req, trusted),
      userAgent: ctx.get('user-agent').slice(0, 400),
      requestId: newRequestId(),
      browser: readKnownBrowser(settings, ctx.get('cookie')),
    };
    setRequestState(ctx, { source });
    return next();
  };
}

/**
 * The socket's peer, unless that is a proxy of ours: then the last address in its header that is not one (RFC 7239
 * section 5.2, read from the right: what stands further left was written by whoever sent it). Anything odd in the header,
 * or two headers that disagree, and the socket's address is used: a proxy that sets one of the two headers passes on the
 * other just as the client wrote it.
 */
export function clientAddress(req: Pick<Context['req'], 'socket' | 'headers'>, trusted: BlockList): string {
  const peer = plainAddress(req.socket.remoteAddress ?? '') ?? '0.0.0.0';
  if (!isTrusted(trusted, peer)) return peer;
  const forwardedFor = headerText(req.headers['x-forwarded-for']);
  const forwarded = headerText(req.headers['forwarded']);
  const told = [
    ...(forwardedFor === '' ? [] : [nearestStranger(entries(forwardedFor), trusted)]),
    ...(forwarded === '' ? [] : [nearestStranger(entries(forwarded).map(forOf), trusted)]),
  ];
  return new Set(told).size === 1 ? (told[0] ?? peer) : peer;
}

/** Whether a proxy of ours sent it, so that what else it says in headers is believed. */
export function comesFromProxy({ socket }: Pick<Context['req'], 'socket'>, trusted: BlockList): boolean {
  const peer = plainAddress(socket.remoteAddress ?? '');
  return peer !== undefined && isTrusted(trusted, peer);
}

/** Right to left; undefined when the text is not addresses all the way, or when every one is a proxy of ours. */
function nearestStranger(hops: readonly string[], trusted: BlockList): string | undefined {
  for (const hop of hops.toReversed()) {
    const address = plainAddress(withoutPort(hop));
    if (address === undefined || !isTrusted(trusted, address)) return address;
  }
  return undefined;
}

/** Only the end of a header is read, however long it is: nobody has twenty proxies. */
function entries(header: string): string[] {
  return header
    .slice(-2000)
    .split(',')
    .slice(-20)
    .map((entry) => entry.trim());
}

/** `for="[2001:db8::1]:4711";proto=https` -> `[2001:db8::1]:4711`; '' when it is not RFC 7239's `forwarded-element`. */
function forOf(element: string): string {
  const parts = element.split(';').map((part) => part.trim());
  if (!parts.every((part) => /^[\w-]+=(?:"[^"]*"|[^\s";]+)$/.test(part))) return '';
  const pair = parts.find((part) => /^for=/i.test(part)) ?? '';
  return pair.slice(pair.indexOf('=') + 1).replace(/^"(.*)"$/, '$1');
}

function withoutPort(hop: string): string {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::\d{1,5})?$/.exec(hop);
  if (bracketed) return bracketed[1] ?? '';
  const v4 = /^([0-9.]+):\d{1,5}$/.exec(hop);
  return v4?.[1] ?? hop;
}

/** IPv4 inside IPv6 (`::ffff:192.0.2.1`) becomes IPv4, so that one client is one address. A zone is not for addresses here. */
function plainAddress(text: string): string | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const address = mapped ?? text;
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  return isIP(address) === 6 ? canonical(address) : address;
}

/** `2001:DB8:0::1` and `2001:db8::1` are one address; URL writes them alike. */
function canonical(address: string): string {
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written);
  if (!hex) return written;
  const [high, low] = [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function isTrusted(trusted: BlockList, address: string): boolean {
  const family = familyOf(address);
  return family !== undefined && trusted.check(address, family);
}

function headerText(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header.join(',') : (header ?? '')).trim();
}

// Crockford's base 32 without letters that look like digits: people read the start of it out on the telephone.
const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export function newRequestId(): string {
  let id = '';
  for (const byte of random(20)) id += letters[byte & 31];
  return id;
}
