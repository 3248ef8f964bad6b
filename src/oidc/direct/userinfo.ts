import type { AccessToken, Grant } from 'oidc-provider';
import { withContext } from '../engine-context.ts';
import { handOn } from '../request-memory.ts';
import type { Answer } from './answer.ts';
import type { DirectContext } from './direct.ts';
import { grantOf } from './grant-of.ts';
import { openLightContext } from './light-context.ts';

/** OpenID Connect Core section 5.3: an opaque bearer token in the header, answered in JSON. */
export async function userinfo(context: DirectContext): Promise<Answer | undefined> {
  const { req, provider } = context;
  const [, value] = /^bearer ([A-Za-z0-9_-]+)$/i.exec(req.headers.authorization ?? '') ?? [];
  if (value === undefined) return undefined;
  const ctx = openLightContext(provider, { req, route: 'userinfo', params: {} });
  return withContext(ctx, async () => {
    const token = await provider.AccessToken.find(value);
    if (!token?.clientId || !isPlain(token)) return handOn(ctx);
    const client = await provider.Client.find(token.clientId);
    if (!client || client.userinfoSignedResponseAlg || client.userinfoEncryptedResponseAlg) return undefined;
    const account = await context.findAccount(ctx, token.accountId, token);
    const grant = await grantOf(provider, token);
    if (!account || !grant) return undefined;
    const available = { ...(await account.claims('userinfo', '', {}, [])), sub: account.accountId };
    const mask = new provider.Claims(available, { ctx, client });
    mask.scope(scopeOf(token, grant));
    mask.rejected(grant.getRejectedOIDCClaims());
    return { status: 200, body: await mask.result() };
  });
}

function scopeOf({ scopes }: AccessToken, grant: Grant): string {
  return grant.getOIDCScopeFiltered(scopes as Set<string>);
}

/** Not bound to a key, not for an API of its own, and without the parameter `claims` (section 5.5). */
function isPlain(token: AccessToken): boolean {
  const { aud, jkt, claims, 'x5t#S256': x5t } = token;
  return !aud && !jkt && !x5t && !claims && token.scopes.has('openid');
}
