import type { errors, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { recordEvent, recordSoon } from '../audit/record.ts';
import { hours, seconds } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import { describeError } from '../web/log.ts';
import { sourceOf } from '../web/request-state.ts';
import { grantIdLength, layout } from './live-layout.ts';
import { detailOf, tellRefusals } from './refusals.ts';
import { memoryOf } from './request-memory.ts';
import { afterWrites } from './unit-of-work.ts';
import type { EngineViews } from './views.ts';

type EngineError = errors.OIDCProviderError;

/**
 * What the engine tells of itself, into the audit record and the metrics. Listeners run inside the engine's request
 * and may neither throw nor be waited for.
 */
export function listenToProvider(services: Services, provider: Provider, views: EngineViews): void {
  const { metrics, log } = services;

  provider.on('grant.success', (ctx) => {
    // The engine says so before the tokens are kept; a lost race still takes them back.
    afterWrites(ctx, () => {
      metrics.tokens.inc({ grant_type: grantType(ctx), outcome: 'issued' });
      if (!worthALine.has(grantType(ctx))) return;
      const detail = { grant_type: grantType(ctx), scopes: scopesOf(ctx) };
      recordSoon(services, { type: 'tokens.issued', ...parties(ctx), detail }, sourceOf(ctx));
    });
  });

  provider.on('grant.error', (ctx, error: EngineError) => {
    metrics.tokens.inc({ grant_type: grantType(ctx), outcome: error.error });
    const reused = reuseEvent(error);
    if (reused) void tellOfReuse(services, views, ctx, reused);
    else if (/authorization code not found/.test(detailOf(error))) void tellOfReuseAgain(services, ctx);
  });

  tellRefusals(services, provider);

  provider.on('end_session.success', (ctx) => {
    note(services, ctx, { type: 'account.signed_out', ...parties(ctx) });
  });

  provider.on('server_error', (ctx, error) => {
    log.error(
      { requestId: sourceOf(ctx).requestId, route: ctx.oidc?.route, error: describeError(error) },
      'the engine failed',
    );
  });
}

type Reuse = 'code.reuse_detected' | 'refresh_token.reuse_detected';

function reuseEvent(error: EngineError): Reuse | undefined {
  const detail = detailOf(error);
  if (!/already (used|consumed)/.test(detail)) return undefined;
  return detail.includes('code') ? 'code.reuse_detected' : 'refresh_token.reuse_detected';
}

async function tellOfReuse(
  services: Services,
  views: EngineViews,
  ctx: KoaContextWithOIDC,
  type: Reuse,
): Promise<void> {
  const { code, refresh_token } = (ctx.oidc.params ?? {}) as { code?: string; refresh_token?: string };
  const grant = (code ?? refresh_token ?? '').slice(0, grantIdLength);
  // The grant is gone by now, and whoever came need not be the app it was given to.
  const { accountId, clientId } = memoryOf(ctx).grants.get(grant)?.grant ?? {};
  const whose = { ...(accountId ? { accountId } : {}), ...(clientId ? { clientId } : {}) };
  if (!(await isFirstToTell(services, grant, whose))) return;
  note(services, ctx, { type, ...parties(ctx), ...whose, detail: { grant } });
  if (!accountId || !clientId || type === 'code.reuse_detected') return;
  try {
    const client = await ctx.oidc.provider.Client.find(clientId);
    await views.tellOfReuse({ accountId, clientName: client?.clientName ?? clientId });
  } catch (error) {
    services.log.error({ error: describeError(error) }, 'a notice could not be sent');
  }
}

type Told = { accountId?: string; clientId?: string; at: number };

/** Of many who come with it at the same moment one tells, so that the person gets one message and the record one line. */
async function isFirstToTell(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  grantId: string,
  whose: Omit<Told, 'at'>,
): Promise<boolean> {
  try {
    const value = JSON.stringify({ ...whose, at: clock.now() });
    return (await live.commit([{ do: 'add', key: layout.reuseTold(grantId), value, ttlMs: toldIsKept }])).ok;
  } catch {
    // Told twice is better than not told.
    return true;
  }
}

const toldIsKept = 1 * hours;
const sameMoment = 5 * seconds;

/** A code went with its grant when it came twice. Who comes with it once more, later than together, still has it. */
async function tellOfReuseAgain(services: Services, ctx: KoaContextWithOIDC): Promise<void> {
  const { live, clock, log } = services;
  const grant = layout.underGrant('c', String(ctx.oidc.params?.['code']))?.grantId;
  if (grant === undefined) return;
  try {
    const key = layout.reuseTold(grant);
    const [known] = await live.read([key]);
    if (!known?.value) return;
    const { at, ...whose } = JSON.parse(known.value) as Told;
    if (clock.now() - at < sameMoment) return;
    const value = JSON.stringify({ ...whose, at: clock.now() });
    const told = await live.commit([{ do: 'replace', key, expect: known.value, value, ttlMs: toldIsKept }]);
    if (told.ok)
      note(services, ctx, { type: 'code.reuse_detected', ...parties(ctx), ...whose, detail: { grant } });
  } catch (error) {
    log.warn({ error: describeError(error) }, 'a code that came again could not be recorded');
  }
}

function note(services: Services, ctx: KoaContextWithOIDC, event: Parameters<typeof recordEvent>[1]): void {
  const source = sourceOf(ctx);
  recordEvent(services, event, source).catch((error: unknown) => {
    services.log.error({ event: event.type, error: describeError(error) }, 'an audit event was lost');
  });
}

function parties(ctx: KoaContextWithOIDC): { accountId?: string; clientId?: string; sessionUid?: string } {
  const accountId = ctx.oidc.account?.accountId ?? ctx.oidc.entities.Session?.accountId;
  const clientId = ctx.oidc.client?.clientId;
  const sessionUid = ctx.oidc.entities.Session?.uid;
  return {
    ...(accountId ? { accountId } : {}),
    ...(clientId ? { clientId } : {}),
    ...(sessionUid ? { sessionUid } : {}),
  };
}

function grantType(ctx: KoaContextWithOIDC): string {
  const given = String(ctx.oidc.params?.['grant_type'] ?? '');
  // A label of the metrics: never what somebody merely sent.
  return knownGrantTypes.get(given) ?? 'other';
}

const knownGrantTypes = new Map([
  ...['authorization_code', 'refresh_token', 'client_credentials'].map((name) => [name, name] as const),
  ['urn:ietf:params:oauth:grant-type:device_code', 'device_code'] as const,
  ['urn:openid:params:grant-type:ciba', 'ciba'] as const,
]);

/** Refreshes and tokens of machines come by the minute and say nothing new; a person's first are worth a line. */
const worthALine = new Set(['authorization_code', 'device_code', 'ciba']);

function scopesOf(ctx: KoaContextWithOIDC): string[] {
  return ctx.oidc.entities.AccessToken?.scope?.split(' ') ?? [];
}
