import type { Context } from 'koa';
import type { AccessToken, Client } from 'oidc-provider';
import { compatProfileOf } from '../../accounts/compat-profile.ts';
import { epochSeconds } from '../../kit/clock.ts';
import type { KnownAccount } from '../claims.ts';
import { grantOf } from '../direct/grant-of.ts';
import { openLightContext } from '../direct/light-context.ts';
import { withContext } from '../engine-context.ts';
import { answer, type Refusal, refusals, refuse } from './answer.ts';
import { appIdOf, userIdOf } from './ids.ts';
import type { CompatParts } from './parts.ts';
import { fromForm } from './read-members.ts';
import { isCompatClient, plainBar } from './token-form.ts';

/** GET /user/profile, /ap/user/profile and /auth/o2/tokeninfo: what an app may know of the person by its access token. */
type Given = { ok: true; token: string } | { ok: false; refusal: Refusal };
type Bearer = { client: Client; token: AccessToken; account: KnownAccount; scopes: ReadonlySet<string> };

export async function profileEndpoint(parts: CompatParts, ctx: Context): Promise<void> {
  const profile = await profileOf(parts, ctx);
  if (profile) answer(ctx, 200, profile);
}

/** The same, as it once was on the host of the pages. */
export async function nestedProfileEndpoint(parts: CompatParts, ctx: Context): Promise<void> {
  const profile = await profileOf(parts, ctx);
  if (!profile) return;
  const { user_id, name, email, postal_code } = profile;
  answer(ctx, 200, {
    'Request-Id': ctx.state.source.requestId,
    Profile: {
      CustomerId: user_id,
      ...(name === undefined ? {} : { Name: name }),
      ...(email === undefined ? {} : { PrimaryEmail: email }),
      ...(postal_code === undefined ? {} : { PostalCode: postal_code }),
    },
  });
}

export async function tokenInfoEndpoint(parts: CompatParts, ctx: Context): Promise<void> {
  const given = tokenIn(ctx);
  if (!given.ok) return refuse(ctx, given.refusal);
  const { provider, services } = parts;
  const { clock, settings } = services;
  const bearer = await bearerOf(parts, ctx, given.token);
  const machine = bearer ? undefined : await machineOf(parts, ctx, given.token);
  const token = bearer?.token ?? machine;
  const client = bearer?.client ?? (machine && (await provider.Client.find(String(machine.clientId))));
  if (!token || !client || !isCompatClient(client)) return refuse(ctx, refusals.token);
  answer(ctx, 200, {
    iss: settings.COMPAT_TOKENINFO_ISS,
    ...(bearer
      ? { user_id: userIdOf({ settings, ...parts }, { client, accountId: bearer.account.accountId }) }
      : {}),
    aud: client.clientId,
    app_id: appIdOf({ settings }, client),
    // Seconds that are left, not a moment.
    exp: Math.max(0, Number(token.exp) - epochSeconds(clock)),
    iat: token.iat,
  });
}

type Profile = { user_id: string; name?: string; email?: string; postal_code?: string };

async function profileOf(parts: CompatParts, ctx: Context): Promise<Profile | undefined> {
  const given = tokenIn(ctx);
  if (!given.ok) return void refuse(ctx, given.refusal);
  const bearer = await bearerOf(parts, ctx, given.token);
  if (!bearer) return void refuse(ctx, refusals.token);
  const { client, account, scopes } = bearer;
  if (!scopes.has('lwa') && !scopes.has('openid')) return void refuse(ctx, refusals.scopeOfToken);
  const { name, email, postal_code } = compatProfileOf(account.record);
  // A token from the standard endpoints shows here what it shows there, under these names.
  const allowed = (...names: string[]) => names.some((one) => scopes.has(one));
  const { services } = parts;
  return {
    user_id: userIdOf({ ...services, ...parts }, { client, accountId: account.accountId }),
    ...(name && allowed('lwa:profile', 'profile') ? { name } : {}),
    ...(email && allowed('lwa:profile', 'email') ? { email } : {}),
    ...(postal_code && allowed('lwa:postal_code', 'address') ? { postal_code } : {}),
  };
}

/** In the query, in the header `Authorization` in any case, or in one of its own; where in several, in all the same. */
function tokenIn(ctx: Context): Given {
  const query = fromForm(ctx.querystring, ['access_token']);
  if (!query.ok) return query;
  const header = ctx.get('authorization');
  const [, bearer] = /^bearer +(\S+)$/i.exec(header) ?? [];
  if (header && bearer === undefined) return { ok: false, refusal: refusals.invalid('Authorization') };
  const said = [query.members['access_token'], bearer, ctx.get('x-amz-access-token')].filter(Boolean);
  const [token, ...others] = new Set(said.map((text) => plainBar(String(text))));
  if (token === undefined) return { ok: false, refusal: refusals.missing('access_token') };
  if (others.length > 0) return { ok: false, refusal: refusals.invalid('access_token') };
  return { ok: true, token };
}

async function bearerOf(parts: CompatParts, ctx: Context, value: string): Promise<Bearer | undefined> {
  const { provider, findAccount } = parts;
  const engine = openLightContext(provider, { req: ctx.req, route: 'userinfo', params: {} });
  return withContext(engine, async () => {
    const token = await provider.AccessToken.find(value);
    // What is bound to a key or meant for an API is nothing that may be read here.
    if (!token?.clientId || token.aud || token.jkt || token['x5t#S256']) return undefined;
    const client = await provider.Client.find(token.clientId);
    const account = client && (await findAccount(engine, token.accountId, token));
    const grant = account && (await grantOf(provider, token));
    if (!client || !isCompatClient(client) || !account || !grant) return undefined;
    const scopes = new Set(grant.getOIDCScopeFiltered(token.scopes as Set<string>).split(' '));
    return { client, token, account: account as KnownAccount, scopes };
  });
}

async function machineOf({ provider }: CompatParts, ctx: Context, value: string) {
  const engine = openLightContext(provider, { req: ctx.req, route: 'userinfo', params: {} });
  const token = await withContext(engine, () => provider.ClientCredentials.find(value));
  return token?.isValid ? token : undefined;
}
