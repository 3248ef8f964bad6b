import type { Middleware } from 'koa';
import { random } from '../kit/random.ts';
import type { Settings } from '../settings.ts';
import { setRequestState } from './request-state.ts';

/**
 * The headers of every answer. Referrer-Policy is same-origin and not no-referrer: with no-referrer Chromium sends
 * `Origin: null` with our own forms, and then nothing tells them from a stranger's where Sec-Fetch-Site is missing.
 * Another site learns nothing from either.
 */
export function securityHeaders({ settings }: { settings: Settings }): Middleware {
  const always = pageHeaders({ settings });
  return (ctx, next) => {
    const nonce = newNonce();
    setRequestState(ctx, { nonce });
    ctx.set(always);
    ctx.set('Content-Security-Policy', contentSecurityPolicy({ nonce, staysHere: false }));
    return next();
  };
}

/** Of what a browser comes to, all but the policy, which has a nonce of each answer's own. */
export function pageHeaders({ settings }: { settings: Pick<Settings, 'issuer'> }): Record<string, string> {
  return {
    ...commonHeaders({ settings }),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy':
      'camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)',
    'Cache-Control': 'no-store',
  };
}

export function newNonce(): string {
  return random(16).toString('base64url');
}

/** For answers that are never a page: what programs ask for. */
export function fixedHeaders({ settings }: { settings: Pick<Settings, 'issuer'> }): Record<string, string> {
  return {
    ...commonHeaders({ settings }),
    'Content-Security-Policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  };
}

function commonHeaders({ settings }: { settings: Pick<Settings, 'issuer'> }): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',
    'X-Robots-Tag': 'noindex',
    // Two years. Plain http is only ever a loopback issuer, where the header would have no effect (RFC 6797 section 7.2).
    ...(settings.issuer.https ? { 'Strict-Transport-Security': 'max-age=63072000' } : {}),
  };
}

/**
 * Nothing but our own hashed files; no frames of ours or around us (RFC 9700 section 4.16). Pages make no request to
 * another site, so apps' logos are not linked (their hosts would learn who signs in where): our copies stand in the page.
 * form-action only where no answer leads away: Chromium applies it to the redirects that follow a form.
 */
export function contentSecurityPolicy({ nonce, staysHere }: { nonce: string; staysHere: boolean }): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    // A worker has no nonce. What is here to be one is a file of ours.
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    ...(staysHere ? ["form-action 'self'"] : []),
  ].join('; ');
}
