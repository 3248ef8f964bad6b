import { type PasskeyRefusal, passkeyAmr, verifyPasskey } from '../credentials/passkeys-use.ts';
import type { ChallengeFor } from '../credentials/webauthn-challenges.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { PasskeyContext } from './ask-passkey.ts';
import { notePasskeyShown } from './passkey-visit.ts';
import { noteRefusedPasskey } from './refuse-passkey.ts';
import { afterFirstFactor, type Entry, type NextStep } from './sign-in.ts';

/** The challenge of the sign-in page: any account, this interaction. */
export function signInChallenge({ interactionUid }: Pick<Entry, 'interactionUid'>): ChallengeFor {
  return { purpose: 'sign_in', about: [interactionUid] };
}

export type PasskeySignInRefusal = 'refused' | 'expired' | 'not_verified' | 'unknown';

/**
 * Signing in by passkey alone. The key says whose it is; the authenticator must have verified its user, by a PIN, a finger or a
 * face, and then it counts as both factors (NIST SP 800-63B-4 section 2.2.1: a multi-factor authenticator). A key that was
 * made without user verification and never showed it beside another proof counts as the first factor only (uvInitialized,
 * WebAuthn section 7.2 step 25).
 *
 * Failed passwords do not count here, so their owner gets in while somebody hammers at the password (misuse case SI-07).
 * `refused` says nothing about what was wrong (WA-07); `unknown` is told, for the password manager to forget the key.
 */
export async function submitPasskey(
  app: PasskeyContext,
  { response, remember }: { response: string; remember: boolean },
  entry: Entry,
): Promise<Outcome<{ next: NextStep }, PasskeySignInRefusal>> {
  const answer = await verifyPasskey(app, {
    ...signInChallenge(entry),
    response,
    verified: 'all',
    beside: false,
  });
  if (!answer.ok) {
    app.metrics.signIns.inc({ outcome: 'refused' });
    await noteRefusedPasskey(app, answer, entry);
    return refused(toldReason(answer.reason));
  }
  const { passkey } = answer;
  const bothFactors = passkey.verifiedSince !== undefined;
  if (!bothFactors) await notePasskeyShown(app, entry.interactionUid, passkey.id);
  const amr = [...passkeyAmr(passkey), ...(bothFactors ? ['mfa'] : [])];
  return { ok: true, next: afterFirstFactor(app, { accountId: passkey.accountId, remember, amr }) };
}

function toldReason(reason: PasskeyRefusal): PasskeySignInRefusal {
  return reason === 'expired' || reason === 'not_verified' || reason === 'unknown' ? reason : 'refused';
}
