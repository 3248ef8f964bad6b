import type { AccessToken, Client, ClientCredentials } from 'oidc-provider';
import { withContext } from '../engine-context.ts';
import { isAlone } from '../live-layout.ts';
import { handOn } from '../request-memory.ts';
import type { Answer } from './answer.ts';
import { authenticatedClient } from './client-auth.ts';
import type { DirectContext } from './direct.ts';
import { grantOf } from './grant-of.ts';
import { openLightContext } from './light-context.ts';

const taken = ['token', 'token_type_hint', 'client_id', 'client_secret'];

/** RFC 7662 for an active opaque access token. Whatever is not active, and why, is for the engine to find out. */
export async function introspect(context: DirectContext): Promise<Answer | undefined> {
  const { provider, req, form } = context;
  if (!form['token'] || !Object.keys(form).every((name) => taken.includes(name))) return undefined;
  if (form['token_type_hint'] === 'refresh_token') return undefined;
  const client = await authenticatedClient(context);
  // Who may have a JWT gets one only where it is asked for (RFC 9701 section 4); every app has an algorithm for it.
  const asksForJwt = /introspection/i.test(req.headers.accept ?? '');
  if (!client || client.introspectionEncryptedResponseAlg || asksForJwt) return undefined;
  const ctx = openLightContext(provider, { req, route: 'introspection', client, params: { ...form } });
  return withContext(ctx, async () => {
    const token = await activeToken(context, form['token'] as string);
    if (!token || !(await context.mayIntrospect(ctx, client, token))) return handOn(ctx);
    return { status: 200, body: await told(context, token) };
  });
}

type Token = AccessToken | ClientCredentials;

async function activeToken({ provider }: DirectContext, value: string): Promise<Token | undefined> {
  if (isAlone(value)) {
    const token = await provider.ClientCredentials.find(value);
    return token?.isValid && isPlain(token) ? token : undefined;
  }
  const token = await provider.AccessToken.find(value);
  return token?.isValid && isPlain(token) && (await grantOf(provider, token)) ? token : undefined;
}

function isPlain(token: Token): boolean {
  return !token.jkt && !token['x5t#S256'] && !('rar' in token && token.rar);
}

/** RFC 7662 section 2.2; `sub` is what the app it was issued to knows the person by. */
async function told({ provider, subjects }: DirectContext, token: Token): Promise<object> {
  const { accountId, sid } = token as AccessToken;
  const issuedTo = accountId ? await provider.Client.find(String(token.clientId)) : undefined;
  return {
    active: true,
    ...(accountId && issuedTo ? { sub: subjectOf(issuedTo, accountId, subjects) } : {}),
    ...token.extra,
    client_id: token.clientId,
    exp: token.exp,
    iat: token.iat,
    sid,
    iss: provider.issuer,
    aud: token.aud,
    scope: token.scope || undefined,
    token_type: token.tokenType,
  };
}

function subjectOf(client: Client, accountId: string, subjects: DirectContext['subjects']): string {
  return client.subjectType === 'pairwise' ? subjects(client, accountId) : accountId;
}
