import type { FindAccount, JWK, KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../services.ts';
import { openSigners, type Signers } from '../keys/signers.ts';
import type { PairwiseSubjects } from '../pairwise.ts';
import { RefreshTokenRecords } from '../refresh-token-records.ts';
import { openRefreshTokenText, type RefreshTokenText } from '../refresh-token-text.ts';
import { TokenRecords } from '../token-records.ts';
import { redeemPlainly } from './redeem-code.ts';
import { refreshPlainly } from './rotate-refresh-token.ts';

/**
 * What is asked most, a code or a refresh token for the usual tokens, granted without the engine's models: they cost as
 * much as the signature and the stores together. The files of this part only ever say yes. Whatever they would not grant,
 * for whichever reason, they leave undone to the engine's own handler, which finds out why and says so in its words; so does
 * whatever asks for more than the plain protocol (decision 0032). The records, their commit, the rotation and what a second
 * use means are the same as on the engine's way: TokenRecords, settle.ts.
 */
export type PlainGrants = Readonly<Record<string, PlainGrant>>;
/** Whether it was granted; if not, nothing was done. */
type PlainGrant = (ctx: KoaContextWithOIDC) => Promise<boolean>;

export type PlainParts = Pick<Services, 'clock' | 'settings'> & {
  codes: TokenRecords;
  accessTokens: TokenRecords;
  refreshTokens: RefreshTokenRecords;
  refreshTokenText: RefreshTokenText;
  signers: Signers;
  issuer: string;
  subjects: PairwiseSubjects;
  findAccount: FindAccount;
};

export function openPlainGrants(
  services: Services,
  {
    jwks,
    subjects,
    findAccount,
  }: { jwks: readonly JWK[]; subjects: PairwiseSubjects; findAccount: FindAccount },
): PlainGrants {
  const parts: PlainParts = {
    clock: services.clock,
    settings: services.settings,
    codes: new TokenRecords(services, { letter: 'c' }),
    accessTokens: new TokenRecords(services, { letter: 'a' }),
    refreshTokens: new RefreshTokenRecords(services),
    refreshTokenText: openRefreshTokenText(services),
    signers: openSigners(jwks),
    issuer: services.settings.issuer.origin,
    subjects,
    findAccount,
  };
  return {
    authorization_code: (ctx) => redeemPlainly(parts, ctx),
    refresh_token: (ctx) => refreshPlainly(parts, ctx),
  };
}
