import type { Provider } from 'oidc-provider';
import { seconds } from '../kit/durations.ts';
import { digest, newSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { commitTwice } from '../store/once-more.ts';
import { currentContext } from './engine-context.ts';
import { grantIdLength, layout } from './live-layout.ts';
import { openRefreshTokenText, writeEnd } from './refresh-token-text.ts';
import { requestMemory } from './request-memory.ts';
import { jwtTokenId } from './resources/jwt-tokens.ts';
import { newSpent, type Rotation } from './rotation.ts';
import { requestName } from './token-records.ts';
import { asEngineError } from './unavailable.ts';

/**
 * How the engine's records get their names. The engine makes random ids; ours are as random and also say where the
 * record lies, so that a token is read together with its grant and a session by its cookie, in one round trip.
 */

type Named = {
  grantId?: string;
  format?: string;
  expiresWithSession?: boolean;
  jkt?: string;
  'x5t#S256'?: string;
  /** Seconds it will live. */
  readonly expiration: number;
  generateTokenId(): string;
};

/** `<grant id><secret>`: a code or token lies beside its grant (live-layout.ts). */
export function nameTokensByGrant(
  provider: Provider,
  { seals, clock }: Pick<Services, 'seals' | 'clock'>,
): void {
  for (const Model of [provider.AuthorizationCode, provider.AccessToken]) {
    const prototype = Model.prototype as unknown as Named;
    const random = prototype.generateTokenId;
    prototype.generateTokenId = function (this: Named): string {
      const id = random.call(this);
      if (Model === provider.AccessToken) noteSender(this);
      if (this.format !== 'jwt') return `${grantOf(this)}${id}`;
      return jwtTokenId(grantOf(this), id, { bound: this.expiresWithSession === true });
    };
  }
  const text = openRefreshTokenText({ seals });
  const refreshToken = provider.RefreshToken.prototype as unknown as Named;
  refreshToken.generateTokenId = function (this: Named): string {
    const end = writeEnd(clock.now() + this.expiration * 1000);
    return succeed({ clock }, end) ?? text.first({ grantId: grantOf(this), end });
  };
}

/** Here all of the engine's access tokens pass; those that an API reads by itself are stored nowhere. Ours (direct/) are bound to no key. */
function noteSender({ jkt, 'x5t#S256': certificate }: Pick<Named, 'jkt' | 'x5t#S256'>): void {
  const memory = requestMemory();
  if (memory) memory.sender = jkt ?? certificate ?? '';
}

function grantOf({ grantId }: Pick<Named, 'grantId'>): string {
  if (grantId?.length !== grantIdLength) throw new Error('a token is issued under a grant');
  return grantId;
}

/** The name of what follows the refresh token that this request presented; undefined when it presented none. */
function succeed({ clock }: Pick<Services, 'clock'>, end: string): string | undefined {
  const rotation = requestMemory()?.rotation;
  const rotated = currentContext()?.oidc.entities.RotatedRefreshToken;
  if (!rotation || rotated?.jti !== rotation.presented) return undefined;
  return nextRefreshTokenId({ clock }, rotation, end);
}

/** From here on it is known how the request spends what it presented, and settle.ts does it. */
export function nextRefreshTokenId(
  { clock }: Pick<Services, 'clock'>,
  rotation: Rotation,
  end: string,
): string {
  const spent = rotation.repeats && rotation.spent ? rotation.spent : newSpent({ at: clock.now(), end });
  const successor = rotation.successorOf(spent);
  rotation.use = { ...spent, successor };
  return successor.token;
}

/** Of a code or an opaque access token. */
export function newTokenId(grantId: string): string {
  return `${grantOf({ grantId })}${newSecret()}`;
}

/**
 * What ends with a session: the engine would ask for the session at each use of a token, in a round trip of its own. Here
 * the end of a session reaches its grants (session-ending.ts), and each use of a token reads its grant anyway.
 */
export function bindTokensByGrant(provider: Provider): void {
  for (const Model of [provider.AuthorizationCode, provider.AccessToken, provider.RefreshToken]) {
    const model = Model as unknown as { find(value: string, options?: object): Promise<unknown> };
    const find = model.find;
    model.find = function (value, options) {
      return find.call(this, value, { ...options, ignoreSessionBinding: true });
    };
  }
  const Grant = provider.Grant as unknown as { IN_PAYLOAD: string[] };
  const members = [...Grant.IN_PAYLOAD, 'sessionUid'];
  Object.defineProperty(Grant, 'IN_PAYLOAD', { get: () => members });
}

type SessionLike = { uid: string; jti: string; oldId?: string; touched: boolean };

/** `<uid>.<secret>`: the uid stays for the life of a session, the secret changes at each sign-in and consent. */
export function nameSessionsByUid(provider: Provider): void {
  const Session = provider.Session as unknown as {
    prototype: { resetIdentifier(): void };
    instantiate(payload?: { jti?: string }): SessionLike;
  };
  const instantiate = Session.instantiate;
  Session.instantiate = function (payload) {
    const session = instantiate.call(this, payload);
    if (!payload?.jti) session.jti = `${session.uid}.${newSecret()}`;
    return session;
  };
  Session.prototype.resetIdentifier = function (this: SessionLike): void {
    this.oldId = this.jti;
    this.jti = `${this.uid}.${newSecret()}`;
    this.touched = true;
  };
}

/**
 * A `jti` of a client assertion or a DPoP proof is good once. The engine looks and then writes, so that parallel uses all
 * pass; here one step does both (engine facts 3).
 */
export function detectReplaysAtomically(
  provider: Provider,
  { live, clock }: Pick<Services, 'live' | 'clock'>,
): void {
  const ReplayDetection = provider.ReplayDetection as unknown as {
    unique(issuer: string, jti: string, exp: number): Promise<boolean>;
  };
  ReplayDetection.unique = (issuer, jti, exp) =>
    asEngineError(async () => {
      // As JSON, so that no two pairs of issuer and jti make one id.
      const id = digest(JSON.stringify([issuer, jti]));
      const ttlMs = Math.max(1000, exp * 1000 - clock.now()) + 60 * seconds;
      // The request's own name: an add whose reply was lost is asked once more. A repeat over HTTP is a replay.
      const value = requestName();
      const added = await commitTwice({ live }, [{ do: 'add', key: layout.replay(id), value, ttlMs }]);
      return added.ok;
    });
}
