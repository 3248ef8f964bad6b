import type { KoaContextWithOIDC } from 'oidc-provider';
import { accessTokenLives } from '../lifetimes.ts';
import { memoryOf } from '../request-memory.ts';
import { asEngineError } from '../unavailable.ts';
import { idTokenFor } from './id-token.ts';
import { mintAccessToken, nextRefreshToken } from './mint-tokens.ts';
import type { PlainParts } from './plain-grants.ts';
import { grantedScope, isPlainClient, type PlainSource, plainSource } from './plain-source.ts';

type Params = { refresh_token?: string; scope?: string };

/** RFC 6749 section 6, with a new refresh token for each use (RFC 9700 section 4.14.2): ../rotation.ts. */
export async function refreshPlainly(parts: PlainParts, ctx: KoaContextWithOIDC): Promise<boolean> {
  const { client } = ctx.oidc;
  const { refresh_token: presented, scope: asked } = (ctx.oidc.params ?? {}) as Params;
  if (!client || !presented || !isPlainClient(parts, client)) return false;
  const found = await asEngineError(() => parts.refreshTokens.find(presented));
  const plain = await plainSource(parts, ctx, found);
  if (!plain || memoryOf(ctx).rotation?.presented !== presented) return false;
  const scopes = scopesOf(plain, asked);
  const scope = scopes && grantedScope(plain.grant, scopes);
  if (!scope) return false;
  await parts.refreshTokens.consume(presented);
  await issue(parts, ctx, plain, { scope, withIdToken: scopes.includes('openid') });
  return true;
}

/** Those that the app asks for, which may be fewer than it has and never others; all without a word of it. */
function scopesOf({ source }: PlainSource, asked: string | undefined): string[] | undefined {
  const had = source.scope.split(' ');
  if (asked === undefined) return had;
  const wanted = asked.split(' ');
  return wanted.every((scope) => had.includes(scope)) ? wanted : undefined;
}

async function issue(
  parts: PlainParts,
  ctx: KoaContextWithOIDC,
  plain: PlainSource,
  { scope, withIdToken }: { scope: string; withIdToken: boolean },
): Promise<void> {
  const { source, account } = plain;
  const gty = afterRefresh(source.gty);
  const expiresIn = accessTokenLives(parts, { expiresWithSession: source.expiresWithSession });
  const refreshToken = await nextRefreshToken(parts, ctx, plain, { gty });
  const accessToken = await mintAccessToken(parts, source, { gty, scope, expiresIn });
  Object.assign(ctx.oidc.entities, { Account: account, AccessToken: { scope } });
  ctx.body = {
    access_token: accessToken,
    expires_in: expiresIn,
    id_token: withIdToken ? await idTokenFor(parts, plain) : undefined,
    refresh_token: refreshToken,
    scope,
    token_type: 'Bearer',
  };
}

/** How a token came about, as the engine writes it: by which grant, and then by refreshing. */
function afterRefresh(gty: string | undefined): string | undefined {
  return !gty || gty.endsWith('refresh_token') ? gty : `${gty} refresh_token`;
}
