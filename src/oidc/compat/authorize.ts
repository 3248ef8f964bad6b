import { createHash, randomBytes } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import type { Client, Provider } from 'oidc-provider';
import { addressBucket, type LimitContext } from '../../limits/limits.ts';
import type { Services } from '../../services.ts';
import { withoutPort } from '../../web/host.ts';
import { Problem } from '../../web/problem.ts';
import { countRequest } from '../endpoint-limits.ts';
import type { EngineViews } from '../views.ts';
import { type Refusal, refusals } from './answer.ts';
import { fromForm } from './read-members.ts';
import { answerAddress } from './redirect.ts';
import { essentialOf, type Read, scopesOf } from './requested.ts';
import { isCompatClient } from './token-form.ts';

/**
 * GET /ap/oa. The request is read in this face's words and handed on to the engine's authorization endpoint in the engine's:
 * sessions, sign-in, consent and limits are the same as for every app. What the answer looks like stands in redirect.ts.
 */
const path = '/ap/oa';
const first = ['client_id', 'redirect_uri'] as const;
const others = [
  'response_type',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'scope_data',
] as const;
const mostState = 4096;
// One sentence for all of them, so that nobody learns which apps there are.
const noSuchApp =
  'client_id is of no app that may ask here. It is unknown, disabled, or not marked login_with_amazon.';

type Engine = Pick<Services, 'settings'> & LimitContext & { readonly provider: Provider };
type Members = Readonly<Record<string, string>>;

export function compatAuthorize(
  app: Engine,
  { views }: { views: Pick<EngineViews, 'showRefusal' | 'showWrongRedirect'> },
): Middleware {
  const { issuer } = app.settings;
  return async (ctx, next) => {
    if (ctx.path !== path && ctx.path !== `${path}/`) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      throw new Problem({ status: 405, code: 'method_not_allowed' });
    }
    // Cookies and pages are the issuer's. Only parameters that we know go along, and the address is ours.
    if ((ctx.req.headers.host ?? '').toLowerCase() !== issuer.host && isOtherHost(app, ctx))
      return ctx.redirect(`${issuer.origin}${path}?${knownQuery(ctx)}`);
    const counted = () => countRequest(app, addressBucket(ctx.state.source.ip));
    const named = fromForm(ctx.querystring, first);
    const client = named.ok ? await findApp(app.provider, named.members['client_id']) : undefined;
    if (!named.ok || !client) {
      await counted();
      return views.showRefusal(ctx, {
        status: 400,
        error: named.ok ? 'invalid_client' : 'invalid_request',
        description: named.ok ? noSuchApp : 'a parameter must not be repeated',
      });
    }
    const redirectUri = named.members['redirect_uri'];
    if (!redirectUri || !client.redirectUriAllowed(redirectUri)) {
      await counted();
      return views.showWrongRedirect(ctx, { clientId: client.clientId, sent: redirectUri });
    }
    const read = requestOf(ctx, client);
    if (!read.ok) {
      await counted();
      const fragment = mayImplicit(ctx.query['response_type'], client);
      return ctx.redirect(answerAddress(redirectUri, errorOf(read.refusal, ctx), { fragment }));
    }
    const { query } = read;
    ctx.url = `/authorize?${new URLSearchParams({ client_id: client.clientId, redirect_uri: redirectUri, ...query })}`;
    await next();
  };
}

function isOtherHost({ settings }: Pick<Services, 'settings'>, ctx: Context): boolean {
  return settings.COMPAT_HOSTS.includes(withoutPort((ctx.req.headers.host ?? '').toLowerCase()));
}

function knownQuery(ctx: Context): URLSearchParams {
  const known = new Set<string>([...first, ...others]);
  const given = [...new URLSearchParams(ctx.querystring)];
  // What stands there twice goes along twice, and is refused where the others are.
  return new URLSearchParams(given.filter(([name]) => known.has(name)));
}

async function findApp(provider: Provider, clientId: string | undefined): Promise<Client | undefined> {
  const client = clientId === undefined ? undefined : await provider.Client.find(clientId);
  return isCompatClient(client) ? client : undefined;
}

/** Sent back as the caller wrote it, where there is one and it is one. */
function errorOf({ error, description }: Refusal, ctx: Context): Record<string, string> {
  const [state, ...more] = new URLSearchParams(ctx.querystring).getAll('state');
  const echoed = state !== undefined && more.length === 0 && state.length <= mostState;
  return { error_description: description, ...(echoed ? { state } : {}), error };
}

function requestOf(ctx: Context, client: Client): Read<{ query: Record<string, string> }> {
  const read = fromForm(ctx.querystring, others);
  if (!read.ok) return read;
  const { members } = read;
  const type = responseType(members, client);
  if (!type.ok) return type;
  const scope = scopesOf(members, client);
  if (!scope.ok) return scope;
  const pkce = type.implicit ? ({ ok: true, query: lockedCode() } as const) : challengeOf(members, client);
  if (!pkce.ok) return pkce;
  const essential = essentialOf(members);
  if (!essential.ok) return essential;
  const { state } = members;
  if (state !== undefined && state.length > mostState)
    return { ok: false, refusal: refusals.invalid('state') };
  return {
    ok: true,
    query: {
      response_type: 'code',
      ...(type.implicit ? { response_mode: 'fragment' } : {}),
      scope: scope.names.join(' '),
      ...(state === undefined ? {} : { state }),
      ...pkce.query,
      ...essential.query,
    },
  };
}

function responseType({ response_type: type }: Members, client: Client): Read<{ implicit: boolean }> {
  if (type === undefined) return { ok: false, refusal: refusals.missing('response_type') };
  if (type === 'code') return { ok: true, implicit: false };
  if (mayImplicit(type, client)) return { ok: true, implicit: true };
  const description = 'The authorization server does not support this response type';
  return { ok: false, refusal: { status: 400, error: 'unsupported_response_type', description } };
}

/** Old apps that run in browsers, one by one and by an operator's decision (section 2.7 of what is public about it). */
function mayImplicit(type: unknown, client: Client): boolean {
  return type === 'token' && client['allow_implicit'] === true;
}

/** In an implicit request there is a code for a moment, between the engine and redirect.ts. Nobody else can redeem it. */
function lockedCode(): Record<string, string> {
  return { code_challenge: randomBytes(32).toString('base64url'), code_challenge_method: 'S256' };
}

/**
 * RFC 7636, with `plain` where no method is named (section 4.3). The engine knows S256 alone; a plain challenge is the
 * verifier itself, so its digest is what S256 would have sent.
 */
function challengeOf(members: Members, client: Client): Read<{ query: Record<string, string> }> {
  const { code_challenge: challenge, code_challenge_method: method } = members;
  if (method !== undefined && method !== 'S256' && method !== 'plain')
    return { ok: false, refusal: refusals.invalid('code_challenge_method') };
  if (challenge === undefined) {
    const needed = method !== undefined || client.clientAuthMethod === 'none';
    return needed ? { ok: false, refusal: refusals.missing('code_challenge') } : { ok: true, query: {} };
  }
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(challenge))
    return { ok: false, refusal: refusals.invalid('code_challenge') };
  const digest = method === 'S256' ? challenge : createHash('sha256').update(challenge).digest('base64url');
  return { ok: true, query: { code_challenge: digest, code_challenge_method: 'S256' } };
}
