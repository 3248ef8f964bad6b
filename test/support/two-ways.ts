import { decodeJwt } from 'jose';
import { type Answer, newAddress, send } from './wire.ts';
import type { World } from './world.ts';

/**
 * A plain request of an app is answered without the engine's web application (src/oidc/direct). Whoever writes the path
 * with a slash at the end is answered by the engine itself, so the two ways can be held against each other.
 */
export type Way = 'direct' | 'engine';
export type Form = Record<string, string>;
export type Headers = Record<string, string | undefined>;

// Each request from an address of its own: whoever failed lately is not let in by the direct way.
export function asks(
  world: World,
  way: Way,
  { path, headers, form }: { path: string; headers: Headers; form?: Form | undefined },
): Promise<Answer> {
  return send(new URL(way === 'direct' ? path : `${path}/`, world.issuer), {
    headers: { 'x-forwarded-for': newAddress(), ...headers },
    ...(form ? { body: new URLSearchParams(form) } : {}),
  });
}

/** The engine lists what a script of another origin may read, which a plain request is not. */
export const wentDirect = ({ headers }: Answer) => headers['access-control-expose-headers'] === undefined;

/** Of one answer only, or of pages, which a slash at the end brings these requests near to. */
const differing = new Set([
  'content-length',
  'date',
  'access-control-expose-headers',
  'content-security-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'permissions-policy',
]);

/** Everything of an answer that must not depend on the way. */
export function comparable({ status, headers, json, text }: Answer) {
  const kept = Object.entries(headers).filter(([name]) => !differing.has(name));
  const shown = Object.entries(json).map(([name, value]) => [name, steady(name, value)]);
  return {
    status,
    headers: Object.fromEntries(kept),
    body: shown.length > 0 ? Object.fromEntries(shown) : text,
    members: Object.keys(json),
  };
}

function steady(name: string, value: unknown): unknown {
  if (['access_token', 'refresh_token'].includes(name)) return `${String(value).length} characters`;
  if (['exp', 'iat', 'sid'].includes(name)) return typeof value;
  if (name === 'error_description') return String(value).replace(/\/$/, '');
  if (name !== 'id_token') return value;
  const { at_hash, exp, iat, nonce, auth_time, sid, ...claims } = decodeJwt(String(value));
  return { ...claims, has: Object.keys({ at_hash, exp, iat, nonce, auth_time, sid }) };
}

export function basic(clientId: string, secret: string | undefined): Headers {
  const pair = [clientId, String(secret)].map(encodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
