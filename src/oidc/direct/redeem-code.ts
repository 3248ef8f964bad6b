import { hash } from 'node:crypto';
import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import { sameSecret } from '../../kit/secrets.ts';
import { accessTokenLives } from '../lifetimes.ts';
import { issuesRefreshToken } from '../offline-access.ts';
import { asEngineError } from '../unavailable.ts';
import { idTokenFor } from './id-token.ts';
import { firstRefreshToken, mintAccessToken } from './mint-tokens.ts';
import type { PlainParts } from './plain-grants.ts';
import { grantedScope, isPlainClient, type PlainSource, plainSource } from './plain-source.ts';

type Params = { code?: string; redirect_uri?: string; code_verifier?: string };

/** RFC 6749 section 4.1.3 with PKCE (RFC 7636 section 4.6). */
export async function redeemPlainly(parts: PlainParts, ctx: KoaContextWithOIDC): Promise<boolean> {
  const { client } = ctx.oidc;
  const { code, redirect_uri, code_verifier } = (ctx.oidc.params ?? {}) as Params;
  if (!client || !code || !redirect_uri || !code_verifier || !isPlainClient(parts, client)) return false;
  const found = await asEngineError(() => parts.codes.find(code));
  if (!found || found.redirectUri !== redirect_uri || !isVerified(found, code_verifier)) return false;
  const plain = await plainSource(parts, ctx, found);
  if (!plain) return false;
  const scope = grantedScope(plain.grant, plain.source.scope.split(' '));
  if (scope === '') return false;
  await parts.codes.consume(code);
  await issue(parts, ctx, plain, scope);
  return true;
}

/** RFC 7636 section 4.1: 43 to 128 unreserved characters. */
const verifierShape = /^[\w.~-]{43,128}$/;

function isVerified({ codeChallenge, codeChallengeMethod }: AdapterPayload, verifier: string): boolean {
  if (!codeChallenge || codeChallengeMethod !== 'S256' || !verifierShape.test(verifier)) return false;
  return sameSecret(hash('sha256', verifier, 'base64url'), codeChallenge);
}

async function issue(
  parts: PlainParts,
  ctx: KoaContextWithOIDC,
  plain: PlainSource,
  scope: string,
): Promise<void> {
  const { client, source, account } = plain;
  const gty = 'authorization_code';
  const { expiresWithSession, authTime } = source;
  const expiresIn = accessTokenLives(parts, { expiresWithSession, signedInAt: authTime });
  const accessToken = await mintAccessToken(parts, source, { gty, scope, expiresIn });
  const refreshToken = issuesRefreshToken(client, source.scope.split(' '))
    ? await firstRefreshToken(parts, plain, { gty })
    : undefined;
  Object.assign(ctx.oidc.entities, { Account: account, AccessToken: { scope } });
  ctx.body = {
    access_token: accessToken,
    expires_in: expiresIn,
    id_token: await idTokenFor(parts, plain),
    refresh_token: refreshToken,
    scope,
    token_type: 'Bearer',
  };
}
