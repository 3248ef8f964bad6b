import type { Configuration, ResourceServer } from 'oidc-provider';
import { compatMarker } from '../consents/compat-scopes.ts';
import { epochSeconds } from '../kit/clock.ts';
import { days, hours, minutes, seconds } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import { isHighAssurance } from './assurance/high-assurance.ts';
import { requestLifetime } from './ciba/request-lifetime.ts';
import { compatCodeLasts, compatRefreshLasts, isCompatRequest } from './compat/refresh-policy.ts';
import { isCompatClient } from './compat/token-form.ts';
import { currentContext } from './engine-context.ts';

/**
 * How long what the engine makes may live, in one place. A refresh token that is not used for `idle` ends, and a chain
 * of them ends `atLatest` after the sign-in; the grant it hangs on outlives the longest chain, since the engine does
 * not extend it (engine manual, section 5).
 */
const lifetimes = {
  authorizationCode: 60 * seconds,
  accessToken: 1 * hours,
  clientCredentials: 10 * minutes,
  idToken: 1 * hours,
  deviceCode: 10 * minutes,
  interaction: 1 * hours,
  refreshTokenIdle: 30 * days,
  refreshTokenAtLatest: 365 * days,
} as const;

/** Seconds, of a token for an API that says how long its tokens live. */
const ofApi = ({ resourceServer }: { resourceServer?: ResourceServer | undefined }) =>
  resourceServer?.accessTokenTTL;

const inSeconds = (ms: number) => Math.max(1, Math.floor(ms / 1000));

export const idTokenLives = inSeconds(lifetimes.idToken);

/** `signedInAt`: where the token is given for a code, epoch seconds. */
export function accessTokenLives(
  { settings, clock }: Pick<Services, 'settings' | 'clock'>,
  of: {
    expiresWithSession: boolean | undefined;
    signedInAt?: number | undefined;
    ofApi?: number | undefined;
  },
): number {
  const usual = of.ofApi ?? inSeconds(lifetimes.accessToken);
  if (!of.expiresWithSession || of.signedInAt === undefined) return usual;
  // What ends with the session does not outlive the moment at which every session ends for good. That it went unused
  // for days cannot come first: the session was used to get this token.
  const left = of.signedInAt + inSeconds(settings.SESSION_MAX_DAYS * days) - epochSeconds(clock);
  return Math.max(1, Math.min(usual, left));
}

/** `iiat`: when the first of its chain was given. */
export function refreshTokenLives(
  { clock }: Pick<Services, 'clock'>,
  { iiat, client }: { iiat: number; client: object | undefined },
): number {
  const left = iiat + inSeconds(lifetimes.refreshTokenAtLatest) - epochSeconds(clock);
  // One that is not replaced at each use cannot end for being unused.
  const idle =
    isHighAssurance(client) || isCompatClient(client) ? left : inSeconds(lifetimes.refreshTokenIdle);
  return Math.max(1, Math.min(idle, left));
}

export function openLifetimes({
  settings,
  clock,
}: Pick<Services, 'settings' | 'clock'>): NonNullable<Configuration['ttl']> {
  const sessionMax = settings.SESSION_MAX_DAYS * days;
  return {
    AuthorizationCode: (_ctx, code) =>
      isCompatRequest(code) ? compatCodeLasts : inSeconds(lifetimes.authorizationCode),
    AccessToken(_ctx, token) {
      const signedInAt = currentContext()?.oidc.entities.AuthorizationCode?.authTime;
      const { expiresWithSession } = token;
      return accessTokenLives({ settings, clock }, { expiresWithSession, signedInAt, ofApi: ofApi(token) });
    },
    ClientCredentials(_ctx, token, client) {
      // Libraries of the Login-with-Amazon kind know one lifetime, and some count on it.
      const usual = isCompatClient(client) ? lifetimes.accessToken : lifetimes.clientCredentials;
      return ofApi(token) ?? inSeconds(usual);
    },
    IdToken: idTokenLives,
    DeviceCode: inSeconds(lifetimes.deviceCode),
    BackchannelAuthenticationRequest: (ctx) => requestLifetime(ctx),
    Interaction: inSeconds(lifetimes.interaction),
    RefreshToken(_ctx, token, client) {
      if (isCompatRequest(token)) return inSeconds(compatRefreshLasts);
      return refreshTokenLives({ clock }, { iiat: token.iiat ?? epochSeconds(clock), client });
    },
    Grant(_ctx, grant) {
      const scopes = grant.getOIDCScope().split(' ');
      if (scopes.includes(compatMarker)) return inSeconds(compatRefreshLasts + 1 * days);
      const offline = scopes.includes('offline_access');
      return inSeconds(offline ? lifetimes.refreshTokenAtLatest + 1 * days : sessionMax + 1 * days);
    },
    Session: (_ctx, session) => sessionLasts({ settings, clock }, session),
  };
}

/** Seconds from now: what is used goes on, but not beyond the end that every session has. */
export function sessionLasts(
  { settings, clock }: Pick<Services, 'settings' | 'clock'>,
  { loginTs, transient }: { loginTs?: number | undefined; transient?: boolean | undefined },
): number {
  const begun = loginTs ?? epochSeconds(clock);
  const left = begun + inSeconds(settings.SESSION_MAX_DAYS * days) - epochSeconds(clock);
  // One that ends with the browser leaves nothing behind for weeks.
  const idle = transient ? 1 * days : settings.SESSION_IDLE_DAYS * days;
  return Math.max(1, Math.min(inSeconds(idle), left));
}
