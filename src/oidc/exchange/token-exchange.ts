import {
  type AccessToken,
  errors,
  type KoaContextWithOIDC,
  type Provider,
  type TokenEndpointGrantContext,
} from 'oidc-provider';
import {
  buildTokenResponse,
  checkDpopReplay,
  checkDpopRequired,
  checkMtlsCert,
  findAccount,
  resolveRequestedResources,
  validateDpop,
} from 'oidc-provider/lib/helpers/grants.js';
import { recordSoon } from '../../audit/record.ts';
import { epochSeconds } from '../../kit/clock.ts';
import type { Services } from '../../services.ts';
import { sourceOf } from '../../web/request-state.ts';
import { isFirstParty } from '../grant-minting.ts';
import { afterWrites } from '../unit-of-work.ts';
import { sayOfToken, withActor } from './actors.ts';
import { findShown, type Shown, type ShownContext, subjectOf } from './shown-tokens.ts';

/**
 * Token exchange (RFC 8693), for services of the company itself: one that was called with a person's token calls the next
 * API for the same person. The new token is for that API alone, may do no more than the old one and lives no longer, says
 * in `act` who acts, and hangs on the same grant: whatever ends the grant ends it. There is no refresh token.
 */
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

type Parameters = {
  subject_token?: string;
  subject_token_type?: string;
  actor_token?: string;
  actor_token_type?: string;
  requested_token_type?: string;
  resource?: string;
  audience?: string;
  scope?: string;
};
type Context = TokenEndpointGrantContext<Parameters>;
type Parts = Omit<ShownContext, 'provider'>;

const names = [
  ...['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type'],
  ...['requested_token_type', 'resource', 'audience', 'scope'],
];

export function registerTokenExchange(provider: Provider, services: Services, parts: Parts): void {
  const shown = { ...parts, provider };
  provider.registerGrantType<Parameters>(tokenExchange, (ctx) => exchange(services, shown, ctx), names);
}

async function exchange(services: Services, shown: ShownContext, ctx: Context): Promise<void> {
  const { provider } = shown;
  const { client, params } = ctx.oidc;
  if (!isFirstParty(client)) throw new errors.UnauthorizedClient('token exchange is for services of ours');
  assertTypes(params);
  const proof = await validateDpop(provider, ctx);
  const api = await targetOf(provider, ctx);
  const subject = await subjectShown(shown, ctx);
  const old = subject.token as AccessToken;
  const act = withActor(old.extra?.['act'], await actorOf(shown, ctx));
  if (!act) throw new errors.InvalidRequest('this token was exchanged too often');
  const account = await findAccount(provider, ctx, String(old.accountId), old);
  if (!account) throw new errors.InvalidGrant('subject_token invalid (referenced account not found)');

  const token = new provider.AccessToken({
    accountId: account.accountId,
    client: subject.issuedTo,
    expiresWithSession: old.expiresWithSession,
    grantId: old.grantId,
    gty: 'token_exchange',
    sessionUid: old.sessionUid,
    sid: old.sid,
    expiresIn: Math.max(
      1,
      Math.min(api.accessTokenTTL ?? 300, Number(old.exp) - epochSeconds(services.clock)),
    ),
  } as never);
  token.resourceServer = api;
  token.scope = narrowed(ctx, old, api.scopes);
  const certificate = checkMtlsCert(provider, ctx);
  if (certificate) token.setThumbprint('x5t', certificate);
  checkDpopRequired(provider, ctx, proof);
  if (proof) {
    await checkDpopReplay(provider, ctx, proof, client.clientId);
    token.setThumbprint('jkt', proof.thumbprint);
  }
  sayOfToken(token, { ...old.extra, act });
  ctx.oidc.entity('AccessToken', token);
  ctx.body = buildTokenResponse(provider, {
    accessToken: await token.save(),
    expiresIn: token.expiration,
    issuedTokenType: accessTokenType,
    scope: token.scope || undefined,
    tokenType: token.tokenType,
  });
  afterWrites(ctx, () => record(services, ctx, subject));
}

/** RFC 8693 section 2.1: access tokens of ours in, an access token of ours out. */
function assertTypes(params: Parameters): void {
  const { subject_token, subject_token_type, actor_token, actor_token_type, requested_token_type } = params;
  if (!subject_token) throw new errors.InvalidRequest("missing required parameter 'subject_token'");
  if (subject_token_type !== accessTokenType)
    throw new errors.InvalidRequest(`subject_token_type must be ${accessTokenType}`);
  if ((actor_token === undefined) !== (actor_token_type === undefined))
    throw new errors.InvalidRequest('actor_token and actor_token_type go together');
  if (actor_token_type !== undefined && actor_token_type !== accessTokenType)
    throw new errors.InvalidRequest(`actor_token_type must be ${accessTokenType}`);
  if (requested_token_type !== undefined && requested_token_type !== accessTokenType)
    throw new errors.InvalidRequest(`requested_token_type must be ${accessTokenType}`);
}

/** The one API it is to be for, under either name of the parameter. */
async function targetOf(provider: Provider, ctx: Context) {
  const { params } = ctx.oidc;
  const { resource, audience } = params;
  if (resource !== undefined && audience !== undefined && resource !== audience)
    throw new errors.InvalidTarget('only a single resource or audience is supported for this grant type');
  const named = resource ?? audience;
  if (!named) throw new errors.InvalidTarget('the API is missing: name it as resource or audience');
  Object.assign(params, { resource: named });
  const [api] = await resolveRequestedResources(provider, ctx);
  if (!api) throw new errors.InvalidTarget();
  return api;
}

async function subjectShown(shown: ShownContext, ctx: Context): Promise<Shown> {
  const found = await findShown(shown, ctx, String(ctx.oidc.params.subject_token));
  // RFC 8693 section 2.2.2.
  if (found?.token.kind !== 'AccessToken')
    throw new errors.InvalidRequest('subject_token is not valid, or not for this service');
  return found;
}

/** The service itself, or who showed a token of their own to it. */
async function actorOf(shown: ShownContext, ctx: Context): Promise<string> {
  const { actor_token } = ctx.oidc.params;
  if (actor_token === undefined) return ctx.oidc.client.clientId;
  const found = await findShown(shown, ctx, actor_token);
  if (!found) throw new errors.InvalidRequest('actor_token is not valid, or not for this service');
  return subjectOf(shown, found);
}

/** What is asked for, or all that the old token and the API have in common; never more than that. */
function narrowed(ctx: Context, old: AccessToken, ofApi: ReadonlySet<string>): string {
  const most = [...old.scopes].filter((scope) => ofApi.has(scope));
  const asked = ctx.oidc.params.scope?.split(' ');
  const beyond = asked?.filter((scope) => !most.includes(scope)) ?? [];
  if (beyond.length > 0)
    throw new errors.InvalidScope('the subject_token does not allow it', beyond.join(' '));
  return (asked ?? most).join(' ');
}

function record(services: Services, ctx: KoaContextWithOIDC, { token, issuedTo }: Shown): void {
  const { accountId } = token as AccessToken;
  const made = ctx.oidc.entities.AccessToken;
  const detail = {
    app: issuedTo.clientId,
    resource: String(made?.aud),
    scopes: made?.scope?.split(' ') ?? [],
  };
  const clientId = String(ctx.oidc.client?.clientId);
  recordSoon(services, { type: 'tokens.exchanged', accountId, clientId, detail } as never, sourceOf(ctx));
}
