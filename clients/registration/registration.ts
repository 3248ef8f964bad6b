import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import { changeItself, findItself } from '../../src/actions/manage-itself.ts';
import { registerItself } from '../../src/actions/register-itself.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { takeFromLimits } from '../../src/limits/limits.ts';
import type { App } from '../../src/services.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { readJsonObject } from '../../src/web/json-body.ts';
import type { Client } from '../registry/registry.ts';
import { verifyClientSecret } from '../registry/secrets.ts';
import { metadataOf, registeredMembers, registrationError } from '../registry/self-told.ts';
import { forConformance } from './for-conformance.ts';

/**
 * Registration over HTTP: an app brings itself in (RFC 7591, OpenID Connect Registration) and looks after what it said
 * (RFC 7592). A surface of the registry like the operator's command line: the same checks, logos, limits and audit; it
 * owns only how this is said on the wire. With DYNAMIC_REGISTRATION=off none of it is there, but apps that registered
 * before go on looking after themselves.
 */
const registrationPath = '/register';

export function registrationRoutes(app: App): Router {
  const router = new Router();
  const answers = inJson(app);
  if (app.settings.DYNAMIC_REGISTRATION !== 'off') {
    router.post(registrationPath, answers, (ctx) => register(app, ctx));
    router.options(registrationPath, preflight);
  }
  const own = `${registrationPath}/:clientId`;
  router.get(
    own,
    answers,
    itself(app, async (ctx, client, token) => {
      answer(ctx, 200, { ...registeredMembers(client), ...management(app, client, token) });
    }),
  );
  router.put(
    own,
    answers,
    itself(app, (ctx, client, token) => update(app, ctx, client, token)),
  );
  router.delete(own, answers, itself(app, remove(app), { leaving: true }));
  router.options(own, preflight);
  return router;
}

/** Again, where a store failed on the way: it finishes what was begun. */
function remove(app: App): OfItself {
  return async (ctx, client) => {
    await removeClient(app, { clientId: client.clientId, actor: 'client' }, ctx.state.source);
    answer(ctx, 204);
  };
}

async function register(app: App, ctx: Context): Promise<void> {
  const body = await readJsonObject(ctx);
  if (!body.ok) return refuse(ctx, body.status, 'invalid_client_metadata', body.problem);
  // Section 3.1.1: a statement that we do not understand must not be passed over in silence.
  if (body.members['software_statement'] !== undefined)
    return refuse(ctx, 400, 'unapproved_software_statement', 'software_statement is not supported');
  const metadata = { ...metadataOf(body.members), ...forConformance(app.settings, body.members) };
  const given = { metadata, token: bearer(ctx) };
  const registered = await registerItself(app, given, ctx.state.source);
  if (registered.ok) {
    const { client, clientSecret, managementToken } = registered;
    const told = { ...registeredMembers(client), ...secret(clientSecret) };
    return answer(ctx, 201, { ...told, ...management(app, client, managementToken) });
  }
  if (registered.reason === 'not_accepted') return answer(ctx, 400, registrationError(registered.problems));
  if (registered.reason === 'limited') return tooMany(ctx, registered.retryAfterSeconds);
  await refuseToken(app, ctx, registered.reason === 'token_wanted');
}

/** RFC 7592 section 2.2: the whole metadata, with the app's id and, if at all, its right secret; nothing that is ours to say. */
async function update(app: App, ctx: Context, client: Client, token: string): Promise<void> {
  const body = await readJsonObject(ctx);
  if (!body.ok) return refuse(ctx, body.status, 'invalid_client_metadata', body.problem);
  const said = notForUpdates.find((name) => body.members[name] !== undefined);
  if (said) return refuse(ctx, 400, 'invalid_request', `${said} must not be in an update`);
  const { client_id: id, client_secret: given } = body.members;
  if (id !== client.clientId) return refuse(ctx, 400, 'invalid_request', 'client_id must be that of the app');
  const rightSecret = typeof given === 'string' && verifyClientSecret({ client }, given, app.clock.now());
  if (given !== undefined && !rightSecret)
    return refuse(ctx, 400, 'invalid_request', 'client_secret must be that of the app, or left out');
  const asked = { client, token, metadata: metadataOf(body.members) };
  const changed = await changeItself(app, asked, ctx.state.source);
  if (changed.ok) {
    const told = { ...registeredMembers(changed.client), ...secret(changed.clientSecret) };
    return answer(ctx, 200, { ...told, ...management(app, changed.client, changed.managementToken) });
  }
  if (changed.reason === 'not_accepted') return answer(ctx, 400, registrationError(changed.problems));
  if (changed.reason === 'limited') return tooMany(ctx, changed.retryAfterSeconds);
  if (changed.reason === 'disabled') return refuse(ctx, 403, 'access_denied', 'the app is disabled');
  await refuseToken(app, ctx);
}

function tooMany(ctx: Context, retryAfterSeconds: number): void {
  ctx.set('Retry-After', String(retryAfterSeconds));
  refuse(ctx, 429, 'temporarily_unavailable', 'too many apps were registered or changed, try again later');
}

const notForUpdates = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

type OfItself = (ctx: Context, client: Client, token: string) => Promise<void>;

/** For the app whose token it is. */
function itself(app: App, answerTo: OfItself, { leaving = false } = {}): Middleware {
  return async (ctx) => {
    const token = bearer(ctx);
    if (!token) return refuseToken(app, ctx, true);
    const clientId = (ctx['params'] as Record<string, string>)['clientId'] ?? '';
    const found = await findItself(app, { clientId, token, leaving });
    if (found.ok) return answerTo(ctx, found.client, token);
    if (found.reason === 'disabled') return refuse(ctx, 403, 'access_denied', 'the app is disabled');
    await refuseToken(app, ctx);
  };
}

/** Guesses are counted with those at the token endpoint. */
async function refuseToken(app: App, ctx: Context, missing = false): Promise<void> {
  ctx.set('WWW-Authenticate', missing ? 'Bearer' : 'Bearer error="invalid_token"');
  const said = missing
    ? 'a token is needed: send it as Authorization: Bearer'
    : 'the token is unknown, used up, over or replaced by a newer one';
  refuse(ctx, 401, 'invalid_token', said);
  const room = await takeFromLimits(app, [{ limit: 'token_failures_by_address', key: ctx.state.source.ip }]);
  if (room.ok) return;
  ctx.set('Retry-After', String(room.retryAfterSeconds));
  refuse(ctx, 429, 'temporarily_unavailable', 'too many failed requests came from this address');
}

/** RFC 6750 section 2.1; in no other place. */
function bearer(ctx: Context): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/-]{1,256}=*)$/i.exec(ctx.get('authorization'))?.[1];
}

function secret(clientSecret: string | undefined): Record<string, unknown> {
  return clientSecret ? { client_secret: clientSecret, client_secret_expires_at: 0 } : {};
}

function management(app: App, { clientId }: Client, token: string): Record<string, unknown> {
  return {
    registration_access_token: token,
    registration_client_uri: `${app.settings.issuer.origin}${registrationPath}/${encodeURIComponent(clientId)}`,
  };
}

function refuse(ctx: Context, status: number, error: string, description: string): void {
  answer(ctx, status, { error, error_description: description });
}

function answer(ctx: Context, status: number, body?: object): void {
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After');
  ctx.body = body ?? null;
}

/** From any origin: what lets a program in is a token that it has, and nothing that its browser adds by itself. */
function preflight(ctx: Context): void {
  ctx.status = 204;
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE');
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
  ctx.set('Access-Control-Max-Age', '3600');
}

/** Programs ask here: a store that does not answer is told to them in JSON too. */
function inJson({ log }: App): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn({ path: registrationPath }, 'a store did not answer');
      ctx.set('Retry-After', '2');
      refuse(ctx, 503, 'temporarily_unavailable', 'the service is not available right now, try again');
    }
  };
}
