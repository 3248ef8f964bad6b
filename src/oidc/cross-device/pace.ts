import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { seconds } from '../../kit/durations.ts';
import type { Services } from '../../services.ts';
import type { LiveStep } from '../../store/live.ts';
import { type GrantHandler, grantHandler } from '../grant-handlers.ts';
import { layout } from '../live-layout.ts';
import { asEngineError } from '../unavailable.ts';

/**
 * How often an app may ask whether the person has answered (RFC 8628 section 3.5, CIBA Core section 11). The engine lets it ask
 * as often as it likes. Kept for each code, beside it, so that every process counts the same questions; one that
 * comes too soon is told `slow_down`, and from then on the interval is five seconds longer.
 */
export const firstInterval = 5;
const slower = 5;
/** Clocks and networks are not exact. */
const leeway = 500;

const askedGrantTypes = {
  'urn:ietf:params:oauth:grant-type:device_code': 'device_code',
  'urn:openid:params:grant-type:ciba': 'auth_req_id',
} as const;

type Noted = { grantId: string; value: string | undefined; expiresAt: number };
const noted = new WeakMap<object, Noted>();

/** What was read together with the request: asked-records.ts. */
export function notePace(ctx: KoaContextWithOIDC | undefined, pace: Noted): void {
  if (ctx) noted.set(ctx, pace);
}

/** Has the engine's handlers of these grant types say `slow_down`: only to the app the code belongs to, and only while it waits. */
export function slowDownPolling(provider: Provider, context: Pick<Services, 'live' | 'clock'>): void {
  for (const [grantType, parameter] of Object.entries(askedGrantTypes)) {
    const handle = grantHandler(provider, grantType);
    if (!handle) continue;
    const paced: GrantHandler = async (ctx) => {
      try {
        await handle(ctx);
      } catch (error) {
        if (error instanceof errors.AuthorizationPending && (await comesTooSoon(context, ctx)))
          throw new errors.SlowDown();
        throw error;
      }
    };
    // With the parameters that the engine knows for it (RFC 8707 section 2.2).
    provider.registerGrantType(grantType, paced as never, [parameter, 'resource'], ['resource']);
  }
}

async function comesTooSoon(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  ctx: KoaContextWithOIDC,
): Promise<boolean> {
  const last = noted.get(ctx);
  if (!last) return false;
  const now = clock.now();
  const [interval = firstInterval, at = 0] = (last.value ?? '').split(' ').filter(Boolean).map(Number);
  const tooSoon = last.value !== undefined && now < at + interval * seconds - leeway;
  const key = layout.askedPace(last.grantId);
  const value = `${tooSoon ? interval + slower : interval} ${now}`;
  const ttlMs = Math.max(1, last.expiresAt - now) + 1 * seconds;
  const step: LiveStep =
    last.value === undefined
      ? { do: 'add', key, value, ttlMs }
      : { do: 'replace', key, expect: last.value, value, ttlMs };
  const kept = await asEngineError(() => live.commit([step]));
  // Another question was asked between our look and our note: the two came at once.
  return tooSoon || !kept.ok;
}
