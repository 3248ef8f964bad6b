import type { KoaContextWithOIDC } from 'oidc-provider';
import { recordSoon } from '../../audit/record.ts';
import { compatMarker, toWire } from '../../consents/compat-scopes.ts';
import type { Services } from '../../services.ts';
import { sourceOf } from '../../web/request-state.ts';

/**
 * The way back to an app of this kind: `code` first and `scope` with it, errors in the order `error_description`, `state`,
 * `error`. One library looks at nothing but how the address begins. Only what the engine decided is written anew.
 */
export async function shapeRedirect(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const { params, client, route } = ctx.oidc;
  const location = ctx.response.get('Location');
  const asked = String(params?.['scope'] ?? '').split(' ');
  const redirectUri = params?.['redirect_uri'];
  if (!location || !client || !asked.includes(compatMarker) || typeof redirectUri !== 'string') return;
  if ((route !== 'authorization' && route !== 'resume') || !leadsTo(location, redirectUri)) return;
  const implicit = params?.['response_mode'] === 'fragment' && client['allow_implicit'] === true;
  const said = answerIn(location);
  const state = typeof params?.['state'] === 'string' ? { state: params['state'] } : {};
  const members = said.has('error')
    ? errorMembers(said, state)
    : implicit
      ? await implicitMembers(services, ctx, asked, state)
      : { code: said.get('code') ?? '', ...state, scope: grantedOf(ctx, asked) };
  ctx.status = 302;
  ctx.set('Location', answerAddress(redirectUri, members, { fragment: implicit }));
  // The engine's text names the address that it would have been.
  ctx.body = '';
}

/** Where an answer goes. The address is one that the app registered. */
export function answerAddress(
  redirectUri: string,
  members: Record<string, string>,
  { fragment = false }: { fragment?: boolean } = {},
): string {
  const { href } = new URL(redirectUri);
  const between = fragment ? '#' : href.includes('?') ? '&' : '?';
  return `${href}${between}${new URLSearchParams(members)}`;
}

/** And not to a page of ours where the person is asked first. */
function leadsTo(location: string, redirectUri: string): boolean {
  const [to, base] = [new URL(location, 'https://relative.invalid'), new URL(redirectUri)];
  return to.origin === base.origin && to.protocol === base.protocol && to.pathname === base.pathname;
}

function answerIn(location: string): URLSearchParams {
  const { hash, searchParams } = new URL(location);
  return hash.length > 1 ? new URLSearchParams(hash.slice(1)) : searchParams;
}

function errorMembers(said: URLSearchParams, state: { state?: string }): Record<string, string> {
  const error = said.get('error') ?? 'server_error';
  const described = error === 'access_denied' ? 'Access not permitted.' : said.get('error_description');
  return { error_description: described ?? 'The request could not be answered', ...state, error };
}

/** What the person allowed: it is to compare. */
function grantedOf({ oidc }: KoaContextWithOIDC, asked: readonly string[]): string {
  const granted = oidc.entities.AuthorizationCode?.scopes ?? new Set();
  return asked
    .filter((name) => granted.has(name))
    .flatMap((name) => toWire(name) ?? [])
    .join(' ');
}

/** The code is spent here and now, and an access token made of it (RFC 6749 section 4.2.2). There is no refresh token. */
async function implicitMembers(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  ctx: KoaContextWithOIDC,
  asked: readonly string[],
  state: { state?: string },
): Promise<Record<string, string>> {
  const { AuthorizationCode: code, Client: client } = ctx.oidc.entities;
  if (!code || !client) throw new Error('an answer without a code');
  await code.consume();
  const { accountId, grantId, sessionUid, scope } = code;
  const token = new ctx.oidc.provider.AccessToken({
    accountId,
    client,
    grantId,
    gty: 'implicit',
    scope,
    sessionUid,
  } as never);
  const value = await token.save();
  const detail = { grant_type: 'implicit', scopes: scope?.split(' ') ?? [] };
  const parties = { accountId: String(accountId), clientId: client.clientId };
  recordSoon(services, { type: 'tokens.issued', ...parties, detail }, sourceOf(ctx));
  return {
    access_token: value,
    token_type: 'bearer',
    expires_in: String(token.expiration),
    ...state,
    scope: grantedOf(ctx, asked),
  };
}
