import { sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { updateTwice } from '../store/once-more.ts';
import type { PasskeysTable } from '../store/tables.ts';
import { backupOf, findStoredPasskey, type Passkey, toPasskey } from './passkeys.ts';
import { findUserHandle } from './passkeys-user.ts';
import { checkAssertion } from './webauthn-assertion.ts';
import type { AuthenticatorData } from './webauthn-authenticator-data.ts';
import { type ChallengeFor, spendChallenge } from './webauthn-challenges.ts';
import { readClientData } from './webauthn-client-data.ts';
import { relyingParty } from './webauthn-party.ts';
import type { CeremonyRefusal } from './webauthn-registration.ts';
import { type AssertionResponse, readAssertion } from './webauthn-response.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'settings' | 'log'>;

/** For the audit record. People are told apart only what they can do something about. */
export type PasskeyRefusal =
  | CeremonyRefusal
  | 'wrong_signature'
  | 'expired'
  | 'unknown'
  | 'foreign'
  | 'wrong_user_handle'
  | 'counter_went_back';

export type PasskeyAnswer =
  | { ok: true; passkey: Passkey; userVerified: boolean }
  /** `passkey`: the one that was named, when there is one; it proves nothing. */
  | { ok: false; reason: PasskeyRefusal; passkey?: Passkey };

/**
 * Checks an assertion (WebAuthn Level 3 section 7.2) and uses it up. Without `accountId` the key says whose it is, as in a
 * sign-in by passkey alone; with it, the key must be of that account. `verified`: whose user must be verified, of all
 * keys, of passkeys only (a security key stands beside something else), or of none. `beside`:
 * another factor was proved just before, so a key that never showed user verification may begin to count for two
 * with this use (section 7.2 step 25); by itself it may not, or whoever sets a PIN on a found key would pass for its owner.
 */
export async function verifyPasskey(
  ctx: Context,
  asked: ChallengeFor & {
    response: string;
    accountId?: string;
    verified: 'all' | 'passkeys' | 'none';
    beside: boolean;
  },
): Promise<PasskeyAnswer> {
  const party = relyingParty(ctx.settings);
  const response = readAssertion(asked.response);
  const client = response && readClientData(response.response.clientDataJSON);
  if (!party || !response || !client) return { ok: false, reason: 'malformed' };
  // Spent first: whatever is wrong with the rest, this challenge is not looked at again.
  if (!(await spendChallenge(ctx, { ...asked, challenge: client.challenge })))
    return { ok: false, reason: 'expired' };
  const stored = await findStoredPasskey(ctx, response.id);
  if (!stored) return { ok: false, reason: 'unknown' };
  const passkey = toPasskey(stored);
  const stranger = await notTheirs(ctx, stored, response, asked.accountId);
  if (stranger) return { ok: false, reason: stranger, passkey };
  const checked = checkAssertion(response, {
    rpId: party.id,
    origin: party.origin,
    verified: asked.verified === 'all' || (asked.verified === 'passkeys' && stored.kind === 'passkey'),
    publicKey: Buffer.from(stored.public_key, 'base64url'),
    backupEligible: stored.backup !== 'none',
  });
  if (!checked.ok) return { ok: false, reason: checked.reason, passkey };
  const { data } = checked;
  if (!(await noteUse(ctx, stored, data, asked))) return { ok: false, reason: 'counter_went_back', passkey };
  return { ok: true, passkey, userVerified: data.userVerified };
}

/** Section 7.2 step 6: the account that is meant, the key's account and the user handle are one. */
async function notTheirs(
  ctx: Context,
  stored: PasskeysTable,
  { response: { userHandle } }: AssertionResponse,
  accountId: string | undefined,
): Promise<'foreign' | 'wrong_user_handle' | undefined> {
  if (accountId !== undefined && stored.account_id !== accountId) return 'foreign';
  // An authenticator may leave it out only where the account was known before (section 6.3.3).
  if (accountId !== undefined && !userHandle) return undefined;
  const handle = await findUserHandle(ctx, stored.account_id);
  return handle !== undefined && sameSecret(userHandle ?? '', handle) ? undefined : 'wrong_user_handle';
}

/**
 * Answers whether the counter went on. One statement, so that a key and its copy that are used at the same moment cannot
 * both find the old count. Authenticators that do not count always say 0 (section 6.1.1).
 */
async function noteUse(
  ctx: Context,
  { id, verified_since }: PasskeysTable,
  data: AuthenticatorData,
  { beside }: { beside: boolean },
): Promise<boolean> {
  const { db, clock } = ctx;
  const begins = beside && data.userVerified && verified_since === null;
  return await updateTwice(ctx, (by) =>
    db
      .updateTable('passkeys')
      .set({
        counter: data.counter,
        last_used_at: clock.now(),
        backup: backupOf(data),
        used_by: by,
        ...(begins ? { verified_since: clock.now() } : {}),
      })
      .where('id', '=', id)
      .where(({ or, eb }) =>
        or([eb('counter', data.counter === 0 ? '=' : '<', data.counter), eb('used_by', '=', by)]),
      )
      .executeTakeFirst(),
  );
}

/** The user verification of a key was seen together with another factor: from now on it stands for one itself. */
export async function countForTwo(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, id }: { accountId: string; id: string },
): Promise<void> {
  await db
    .updateTable('passkeys')
    .set({ verified_since: clock.now() })
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('verified_since', 'is', null)
    .execute();
}

/** Answers whether this was the first sign of it: its owner is told once and not by every try. */
export async function noteCopySuspected(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  id: string,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('passkeys')
    .set({ copy_suspected_at: clock.now() })
    .where('id', '=', id)
    .where('copy_suspected_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/**
 * The proof by its names (RFC 8176): a key that cannot leave its device is `hwk`, one that can is `swk`; somebody was
 * there. On the authenticator's word, since no attestation is asked for.
 */
export function passkeyAmr({ backup }: Pick<Passkey, 'backup'>): string[] {
  return [backup === 'none' ? 'hwk' : 'swk', 'user'];
}
