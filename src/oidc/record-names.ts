import type { Provider } from 'oidc-provider';
import { seconds } from '../kit/durations.ts';
import { digest, newSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { grantIdLength, layout } from './live-layout.ts';
import { asEngineError } from './unavailable.ts';

/**
 * How the engine's records get their names. The engine makes random ids; ours are as random and also say where the
 * record lies, so that a token is read together with its grant and a session by its cookie, in one round trip.
 */

type Named = { grantId?: string; format?: string; generateTokenId(): string };

/** `<grant id><secret>`: a code or token lies beside its grant (live-layout.ts). */
export function nameTokensByGrant(provider: Provider): void {
  for (const Model of [provider.AuthorizationCode, provider.AccessToken, provider.RefreshToken]) {
    const prototype = Model.prototype as unknown as Named;
    const random = prototype.generateTokenId;
    prototype.generateTokenId = function (this: Named): string {
      const id = random.call(this);
      // A JWT is stored nowhere and keeps the engine's id.
      if (this.format === 'jwt') return id;
      if (this.grantId?.length !== grantIdLength) throw new Error('a token is issued under a grant');
      return `${this.grantId}${id}`;
    };
  }
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
      const added = await live.commit([{ do: 'add', key: layout.replay(id), value: '', ttlMs }]);
      return added.ok;
    });
}
