import type { Context } from 'koa';
import type { Client } from 'oidc-provider';
import { isCustomScope, onlyListed } from '../../consents/compat-scopes.ts';
import { openLightContext } from '../direct/light-context.ts';
import { handled } from '../direct/token.ts';
import { withContext } from '../engine-context.ts';
import { grantHandler } from '../grant-handlers.ts';
import { logRefusal, noteFailedProof } from '../refusals.ts';
import { memoryOf } from '../request-memory.ts';
import { answer, type Refusal, refusals, refuse } from './answer.ts';
import { namedClient, provenClient } from './client-auth.ts';
import { devicePoll } from './device-poll.ts';
import type { CompatParts } from './parts.ts';
import { readMembers } from './read-members.ts';
import { isCompatRequest, withoutRefreshToken } from './refresh-policy.ts';
import { plainBar } from './token-form.ts';

/** POST /auth/o2/token: the engine's own grants, asked for and answered in this face's words. */
const wanted = [
  'grant_type',
  'client_id',
  'client_secret',
  'code',
  'redirect_uri',
  'code_verifier',
  'refresh_token',
  'scope',
  'device_code',
  'user_code',
];

type Members = Readonly<Record<string, string>>;
type Asked = { client: Client; bySecret: boolean; grantType: string; params: Record<string, string> };
type Prepared = ({ ok: true } & Asked) | { ok: false; refusal: Refusal };

export async function tokenEndpoint(parts: CompatParts, ctx: Context): Promise<void> {
  const read = await readMembers(ctx.req, wanted);
  if (!read.ok) return refuse(ctx, read.refusal);
  const asked = await prepared(parts, ctx, read.members);
  if (!asked.ok) {
    await tellRefusal(parts, ctx, { refusal: asked.refusal, members: read.members });
    return refuse(ctx, asked.refusal);
  }
  const { client, grantType, params, bySecret } = asked;
  const handle = grantHandler(parts.provider, grantType);
  if (!handle) return refuse(ctx, refusals.grantType);
  const engine = openLightContext(parts.provider, { req: ctx.req, route: 'token', client, params });
  if (grantType === 'authorization_code' && !bySecret) withoutRefreshToken(engine);
  const { status, body } = await withContext(engine, () => handled(parts, engine, handle));
  if (status === 200) return answer(ctx, 200, tokensOf(body as Issued, grantType));
  refuse(ctx, refusalOf({ status, body: body as { error?: string }, grantType, detail: detailOf(engine) }));
}

/** Before the engine was asked, so that it has not told. */
async function tellRefusal(
  { services, provider }: CompatParts,
  ctx: Context,
  { refusal, members }: { refusal: Refusal; members: Members },
): Promise<void> {
  const { error, description } = refusal;
  // Otherwise nobody has looked for the app yet, which may cost a fetch (document-apps.ts).
  const looked = ['invalid_client', 'unauthorized_client', 'invalid_scope', 'invalid_grant'].includes(error);
  const named = looked ? await namedClient(provider, { req: ctx.req, members }) : undefined;
  const reason = named?.gaveSecret ? 'invalid secret provided' : 'no secret provided';
  const unproven = refusal === refusals.client && named !== undefined;
  logRefusal(services, ctx, {
    route: ctx.path,
    error,
    description,
    ...(named && { clientId: named.client.clientId }),
    ...(unproven && { reason }),
  });
  if (unproven) noteFailedProof(services, ctx, { client: named.client, reason });
}

async function prepared(parts: CompatParts, ctx: Context, members: Members): Promise<Prepared> {
  switch (members['grant_type']) {
    case 'authorization_code':
      return codeGrant(parts, ctx, members);
    case 'refresh_token':
      return refreshGrant(parts, ctx, members);
    case 'client_credentials':
      return machineGrant(parts, ctx, members);
    case 'device_code':
    case 'urn:ietf:params:oauth:grant-type:device_code':
      return devicePoll(parts, ctx.req, members);
    default:
      return { ok: false, refusal: refusals.grantType };
  }
}

/**
 * Without its secret an app may still redeem a code that it bound to a verifier (apps in browsers do), and gets no refresh
 * token for it. A code without a challenge it cannot: the engine compares the verifier with nothing.
 */
async function codeGrant(parts: CompatParts, ctx: Context, members: Members): Promise<Prepared> {
  const proved = await provenClient(parts.provider, { req: ctx.req, members });
  if (!proved.ok) return proved;
  const { client, bySecret } = proved;
  const { code, redirect_uri, code_verifier } = members;
  if (!code) return { ok: false, refusal: refusals.missing('code') };
  if (!bySecret && !code_verifier) return { ok: false, refusal: refusals.client };
  const known = bySecret && redirect_uri ? undefined : await findCode(parts, ctx, code);
  // A code of the standard's own endpoints is redeemed as the standard says (RFC 6749 section 4.1.3).
  if (!bySecret && client.clientAuthMethod !== 'none' && known && !isCompatRequest(known))
    return { ok: false, refusal: refusals.client };
  const bound = redirect_uri ?? known?.redirectUri;
  if (bound === undefined) return { ok: false, refusal: refusals.grant('code') };
  const params = { grant_type: 'authorization_code', code, redirect_uri: bound };
  return {
    ok: true,
    client,
    bySecret,
    grantType: 'authorization_code',
    params: code_verifier === undefined ? params : { ...params, code_verifier },
  };
}

/** For its redirect URI: many libraries leave it out here. Who has the code and the secret is then the app it was bound to; another is never taken. */
function findCode({ provider }: CompatParts, ctx: Context, code: string) {
  const engine = openLightContext(provider, { req: ctx.req, route: 'token', params: {} });
  return withContext(engine, () => provider.AuthorizationCode.find(code, { ignoreExpiration: true }));
}

async function refreshGrant(parts: CompatParts, ctx: Context, members: Members): Promise<Prepared> {
  const proved = await provenClient(parts.provider, { req: ctx.req, members });
  if (!proved.ok) return proved;
  const { client, bySecret } = proved;
  const { refresh_token } = members;
  if (!refresh_token) return { ok: false, refusal: refusals.missing('refresh_token') };
  if (!bySecret && client.clientAuthMethod !== 'none') return { ok: false, refusal: refusals.client };
  if (!client.grantTypeAllowed('refresh_token')) return { ok: false, refusal: refusals.notAllowed };
  const params = { grant_type: 'refresh_token', refresh_token: plainBar(refresh_token) };
  return { ok: true, client, bySecret, grantType: 'refresh_token', params };
}

async function machineGrant(parts: CompatParts, ctx: Context, members: Members): Promise<Prepared> {
  const proved = await provenClient(parts.provider, { req: ctx.req, members });
  if (!proved.ok) return proved;
  const { client, bySecret } = proved;
  if (!bySecret) return { ok: false, refusal: refusals.client };
  if (!client.grantTypeAllowed('client_credentials')) return { ok: false, refusal: refusals.notAllowed };
  const { scope } = members;
  if (!scope) return { ok: false, refusal: refusals.missing('scope') };
  const names = scope.split(' ').filter(Boolean);
  const known = onlyListed(names.filter(isCustomScope), client.scope);
  if (names.length > 50 || known.length !== names.length) return { ok: false, refusal: refusals.scope };
  const params = { grant_type: 'client_credentials', scope: [...new Set(names)].join(' ') };
  return { ok: true, client, bySecret, grantType: 'client_credentials', params };
}

type Issued = { access_token: string; expires_in: number; refresh_token?: string; scope?: string };

/** The members that libraries of this kind know, and no others (an ID token, a scope that they take for an error). */
function tokensOf({ access_token, expires_in, refresh_token, scope }: Issued, grantType: string): object {
  return {
    access_token,
    ...(grantType === 'client_credentials' ? { scope } : {}),
    token_type: 'bearer',
    expires_in,
    ...(refresh_token === undefined ? {} : { refresh_token }),
  };
}

function detailOf(engine: object): string {
  const refusal = memoryOf(engine).refusal as { error_detail?: string; cause?: Error } | undefined;
  return refusal?.error_detail ?? refusal?.cause?.message ?? '';
}

function refusalOf(what: {
  status: number;
  body: { error?: string };
  grantType: string;
  detail: string;
}): Refusal {
  const { status, body, grantType, detail } = what;
  if (status === 503) return refusals.unavailable;
  if (status >= 500) return refusals.failed;
  const pending = ['authorization_pending', 'slow_down', 'expired_token', 'access_denied'];
  if (body.error !== undefined && pending.includes(body.error)) return deviceRefusal(body.error);
  if (body.error === 'invalid_scope') return refusals.scope;
  if (body.error === 'unauthorized_client') return refusals.notAllowed;
  if (body.error !== 'invalid_grant') return refusals.malformed;
  if (grantType === 'refresh_token')
    return detail === 'client mismatch' ? refusals.notAllowed : refusals.revoked;
  if (grantType !== 'authorization_code') return refusals.grant('device_code');
  if (detail.includes('code_verifier')) return refusals.grant('code_verifier');
  return refusals.grant(detail.includes('redirect_uri') ? 'redirect_uri' : 'code');
}

/** What the devices' own libraries tell apart (section 2.6 of what is public about them): whose codes are over asks for others. */
function deviceRefusal(error: string): Refusal {
  if (error === 'expired_token') return refusals.codePair;
  if (error === 'access_denied') return refusals.grant('device_code');
  return { status: 400, error, description: 'The user has not yet decided about the request' };
}
