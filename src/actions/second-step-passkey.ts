import { listPasskeys, type Passkey, removePasskey } from '../credentials/passkeys.ts';
import { passkeyAmr, verifyPasskey } from '../credentials/passkeys-use.ts';
import type { ChallengeFor } from '../credentials/webauthn-challenges.ts';
import { refused } from '../kit/outcome.ts';
import { askForPasskey, type PasskeyContext, passkeysWork } from './ask-passkey.ts';
import { warnOfCopy } from './refuse-passkey.ts';
import type { Occasion, SecondStepKind } from './second-step-kinds.ts';

/**
 * Passkeys and security keys as a second step: any of the account's, whichever the page named. Having a passkey does not turn
 * the second step on, or a quiet upgrade on one device would shut out the others; adding a security key does
 * (enrol-passkey.ts). The challenge is not made here but fetched by the page's script, when the browser is about to ask:
 * it lives shorter than the page.
 */
export const passkeyKind: SecondStepKind = {
  kind: 'passkey',
  turnsOn: false,
  standsAlone: true,
  async list(ctx, accountId) {
    if (!passkeysWork(ctx)) return [];
    const passkeys = await listPasskeys(ctx, accountId);
    return passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({
      id,
      name,
      addedAt: createdAt,
      lastUsedAt,
    }));
  },
  async check(ctx, { accountId, occasion, answer }) {
    const answered = await verifyPasskey(ctx, {
      ...occasionChallenge(occasion, accountId),
      response: answer['response'] ?? '',
      accountId,
      verified: occasion.purpose === 'step_up' ? 'passkeys' : 'none',
      beside: occasion.purpose === 'second_step',
    });
    if (answered.ok) return { ok: true, amr: passkeyAmr(answered.passkey) };
    await warnOfCopy(ctx, answered, occasion);
    return refused(answered.reason === 'expired' ? 'expired' : 'wrong_code');
  },
  remove: (tx, method) => removePasskey({ db: tx }, method),
};

/** For the script of the page that asks. The password was proved, so the account's keys may be named. */
export async function askForPasskeyStep(
  app: PasskeyContext,
  { accountId, occasion }: { accountId: string; occasion: Occasion },
) {
  const allowed = await listPasskeys(app, accountId);
  const asked = {
    ...occasionChallenge(occasion, accountId),
    userVerification: verificationFor(occasion, allowed),
    allowed,
  };
  return await askForPasskey(app, asked, occasion.from);
}

/**
 * A security key would ask for a PIN that its owner may never have set: where only such are there, touching one is enough.
 * A fresh proof by passkey shows that it is them and not whoever sits at their desk.
 */
function verificationFor({ purpose }: Occasion, allowed: readonly Passkey[]) {
  if (allowed.every(({ kind }) => kind === 'security_key')) return 'discouraged' as const;
  const passkeysOnly = allowed.every(({ kind }) => kind === 'passkey');
  return purpose === 'step_up' && passkeysOnly ? ('required' as const) : ('preferred' as const);
}

function occasionChallenge({ purpose, boundTo }: Occasion, accountId: string): ChallengeFor {
  return { purpose, about: [boundTo, accountId] };
}
