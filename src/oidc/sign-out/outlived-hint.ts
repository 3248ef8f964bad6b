import type { Context } from 'koa';
import type { JWK } from 'oidc-provider';

/**
 * An app that signs somebody out shows the ID token it got when they signed in, months ago perhaps (RP-Initiated Logout
 * 1.0 section 2: also expired ones). The key that signed it may be gone by then, and the engine would refuse the request.
 * What can no longer be verified says no more than whose it is, which an app may also say by `client_id`: and that the
 * person is asked anyway. A hint whose key is there is verified as ever.
 */
export function forgetOutlivedHint(
  ctx: Context,
  { keys, issuer }: { keys: readonly JWK[]; issuer: string },
): void {
  if (ctx.path.toLowerCase().replace(/\/$/, '') !== '/logout') return;
  const { id_token_hint: hint, ...others } = ctx.query;
  if (typeof hint !== 'string') return;
  const [header, payload] = hint.split('.', 2).map(readPart);
  const { kid } = header ?? {};
  const { aud, iss } = payload ?? {};
  if (
    typeof kid !== 'string' ||
    keys.some((key) => key.kid === kid) ||
    typeof aud !== 'string' ||
    iss !== issuer
  )
    return;
  if (others['client_id'] !== undefined && others['client_id'] !== aud) return;
  ctx.query = { ...others, client_id: aud };
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
