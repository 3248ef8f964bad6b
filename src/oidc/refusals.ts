import type { IncomingMessage } from 'node:http';
import type { Client, errors, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { recordEvent } from '../audit/record.ts';
import { hours, minutes } from '../kit/durations.ts';
import { networkBucket } from '../limits/address-bucket.ts';
import type { Services } from '../services.ts';
import { describeError } from '../web/log.ts';
import { sourceOf } from '../web/request-state.ts';
import { shortDigest } from './live-layout.ts';

/**
 * What apps are refused, for whoever runs them and finds only a reference: one line in the log for each, in the same form
 * at every endpoint. And in the audit record when an app that we know could not prove who it is.
 */
type EngineError = errors.OIDCProviderError;
type Asked = { req: IncomingMessage };
type Told = { route?: string; clientId?: string; error: string; description?: string; reason?: string };

/** The engine's own reason, which it keeps from the app; its types do not name it. */
export function detailOf(error: EngineError): string {
  return (error as { error_detail?: string }).error_detail ?? '';
}

/** Where apps prove who they are (RFC 6749 section 2.3). */
const provedAt = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'backchannel_authentication.error',
] as const;

const elsewhere = [
  'authorization.error',
  'userinfo.error',
  'end_session.error',
  'end_session_confirm.error',
] as const;

export function tellRefusals(services: Services, provider: Provider): void {
  for (const name of provedAt)
    listen(provider, name, (ctx, error) => {
      logEngineRefusal(services, ctx, error);
      const { client } = ctx.oidc;
      // 401: its other `invalid_client` speaks of what an app is registered for.
      if (!client || error.error !== 'invalid_client' || error.statusCode !== 401) return;
      // What a library says of an assertion may repeat some of it.
      const reason = error.cause ? 'the client assertion could not be verified' : detailOf(error);
      noteFailedProof(services, ctx, { client, reason });
    });
  for (const name of elsewhere)
    listen(provider, name, (ctx, error) => logEngineRefusal(services, ctx, error));
}

type Listener = (ctx: KoaContextWithOIDC, error: EngineError) => void;

/** The engine's types give each of these names an overload of its own. */
function listen(
  provider: Provider,
  name: (typeof provedAt | typeof elsewhere)[number],
  listener: Listener,
): void {
  provider.on(name as 'grant.error', listener);
}

function logEngineRefusal(services: Services, ctx: KoaContextWithOIDC, error: EngineError): void {
  const clientId = ctx.oidc?.client?.clientId;
  logRefusal(services, ctx, {
    route: ctx.oidc?.route,
    error: error.error,
    ...(clientId && { clientId }),
    ...(error.error_description && { description: error.error_description }),
    reason: detailOf(error),
  });
}

const told = new WeakSet<IncomingMessage>();

/** Why a request of an app was refused: the engine's own words, which never repeat a secret. */
export function logRefusal({ log }: Pick<Services, 'log'>, ctx: Asked, what: Told): void {
  const { requestId, ip } = sourceOf(ctx);
  told.add(ctx.req);
  const { route, clientId, error, description } = what;
  const reason = what.reason || description || '';
  log.info({ requestId, ip, route, clientId, error, description, reason }, 'a request of an app was refused');
}

export function isTold({ req }: Asked): boolean {
  return told.has(req);
}

/** After the answer has left; nobody waits for it. */
export function noteFailedProof(
  services: Pick<Services, 'live' | 'db' | 'clock' | 'seals' | 'log'>,
  ctx: Asked,
  { client, reason }: { client: Client; reason: string },
): void {
  const source = sourceOf(ctx);
  const { clientId, clientAuthMethod: method } = client;
  const detail = { reason, ...(method && { method }) };
  fits(services, { clientId, ip: source.ip })
    .then(async (fit) => {
      if (fit)
        await recordEvent(services, { type: 'client.authentication_failed', clientId, detail }, source);
    })
    .catch((error: unknown) =>
      services.log.warn(
        { clientId, error: describeError(error) },
        'a failed authentication was not recorded',
      ),
    );
}

const mostInAnHour = 60;

/**
 * Anybody can fail in the name of an app: one line a minute from one network, and so many an hour of one app from
 * wherever, so that nobody fills the record. All of them stand in the log.
 */
async function fits(
  { live }: Pick<Services, 'live'>,
  { clientId, ip }: { clientId: string; ip: string },
): Promise<boolean> {
  const app = `{failed proofs ${shortDigest(clientId)}}` as const;
  const here = await live.count(`${app}:${shortDigest(networkBucket(ip))}`, 1 * minutes, 1);
  if (here.count > 1) return false;
  return (await live.count(`${app}:all`, 1 * hours, 1)).count <= mostInAnHour;
}
