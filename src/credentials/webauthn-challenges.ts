import { minutes } from '../kit/durations.ts';
import { digest, newSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { spendOnce } from '../store/in-doubt.ts';
import type { LiveKey } from '../store/live.ts';

/**
 * What an authenticator signs, so that yesterday's signature is worth nothing (WebAuthn section 13.4.3). A challenge is good
 * once, for five minutes, and for what it was made for: its purpose and what it is about (the interaction or the session,
 * and the account where one is known) stand in the name of its key, under a MAC. So it is looked for where it must be,
 * and using it up there is the whole check: ONE step, which of two racing requests tells one no.
 *
 *   {passkey:<mac of purpose and about>}:challenge:<digest of the challenge>
 *
 *   issued --used--> gone          --5 minutes--> gone
 */
export const challengeLifeMs = 5 * minutes;

type ChallengePurpose = 'sign_in' | 'second_step' | 'step_up' | 'enrol' | 'offer';
/** `about`: everything it is bound to, in a fixed order. */
export type ChallengeFor = { purpose: ChallengePurpose; about: readonly string[] };
type ChallengeContext = Pick<Services, 'live' | 'seals' | 'log'>;

/** 32 random bytes, base64url, as they go into the options of the ceremony. */
export async function issueChallenge(ctx: ChallengeContext, what: ChallengeFor): Promise<string> {
  const challenge = newSecret();
  const key = keyOf(ctx, what, challenge);
  await ctx.live.commit([{ do: 'put', key, value: '', ttlMs: challengeLifeMs }]);
  return challenge;
}

/** Answers whether it was issued for exactly this, lately, and not used before. It is used up by asking. */
export async function spendChallenge(
  ctx: ChallengeContext,
  { challenge, ...what }: ChallengeFor & { challenge: string },
): Promise<boolean> {
  const key = keyOf(ctx, what, challenge);
  return (await spendOnce(ctx, { key, ttlMs: () => challengeLifeMs })) !== undefined;
}

function keyOf(
  { seals }: Pick<Services, 'seals'>,
  { purpose, about }: ChallengeFor,
  challenge: string,
): LiveKey {
  const partition = seals.mac('passkey-challenge', JSON.stringify([purpose, ...about]));
  return `{passkey:${partition}}:challenge:${digest(challenge)}`;
}
