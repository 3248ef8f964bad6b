import { epochSeconds } from '../../kit/clock.ts';
import { idTokenLives } from '../lifetimes.ts';
import type { PlainParts } from './plain-grants.ts';
import type { PlainSource } from './plain-source.ts';

/**
 * OpenID Connect Core section 2. At the token endpoint nothing stands in it but who signed in, when and how: the rest is
 * told at userinfo (section 5.4), and who asks for it by name goes the engine's way.
 */
export function idTokenFor(
  { clock, issuer, signers, subjects }: Pick<PlainParts, 'clock' | 'issuer' | 'signers' | 'subjects'>,
  { client, source, account }: PlainSource,
): string | Promise<string> {
  const sign = signers.get(client.idTokenSignedResponseAlg ?? '');
  if (!sign) throw new Error('an app whose ID tokens are signed by no key of ours: plain-source.ts');
  const { acr, amr, authTime, nonce, sid } = source;
  const { accountId } = account;
  const iat = epochSeconds(clock);
  const claims = {
    sub: client.subjectType === 'pairwise' ? subjects(client, accountId) : accountId,
    acr,
    amr,
    auth_time: authTime,
    nonce,
    sid,
    aud: client.clientId,
    exp: iat + idTokenLives,
    iat,
    iss: issuer,
  };
  return sign(JSON.stringify(claims));
}
