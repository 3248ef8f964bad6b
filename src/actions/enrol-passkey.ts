import { type Account, findAccount } from '../accounts/account.ts';
import { firstContact } from '../accounts/claims.ts';
import { recordEvent } from '../audit/record.ts';
import {
  addPasskey,
  listPasskeys,
  mostPasskeys,
  type NewPasskey,
  type Passkey,
} from '../credentials/passkeys.ts';
import { userHandle } from '../credentials/passkeys-user.ts';
import { changeTwoStep, turnOn } from '../credentials/two-step.ts';
import { type ChallengeFor, issueChallenge, spendChallenge } from '../credentials/webauthn-challenges.ts';
import { readClientData } from '../credentials/webauthn-client-data.ts';
import { type CreationOptions, creationOptions, type Making } from '../credentials/webauthn-options.ts';
import { relyingParty } from '../credentials/webauthn-party.ts';
import { checkRegistration } from '../credentials/webauthn-registration.ts';
import { readRegistration } from '../credentials/webauthn-response.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { type Limited, takeFromLimits } from '../limits/limits.ts';
import { nowOrLater } from '../store/in-doubt.ts';
import type { Database } from '../store/tables.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import type { PasskeyContext } from './ask-passkey.ts';
import { changeInDoubt } from './change-in-doubt.ts';
import { cutOffOthers, signOutOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * Making a passkey, in two requests: options for the browser, and what it made. Between them only the challenge waits, bound
 * to the account, to the session or the interaction, and to what is made, so that none of these can be another when the
 * answer comes. Only for somebody who has just proved all that the account asks; the pages see to that.
 */
export type PasskeyInMaking = {
  accountId: string;
  /** On the account pages, or on the offer at the end of a sign-in. */
  at: 'enrol' | 'offer';
  /** The session's uid there, the interaction's here. */
  boundTo: string;
  making: Making;
};

export async function beginPasskey(
  app: PasskeyContext,
  what: PasskeyInMaking,
  from: RequestSource,
): Promise<Outcome<{ options: CreationOptions }, 'too_many' | 'unavailable'> | Limited> {
  const party = relyingParty(app.settings);
  const account = await findAccount(app, what.accountId);
  if (!party || !account) return refused('unavailable');
  const others = await listPasskeys(app, account.id);
  if (others.length >= mostPasskeys) return refused('too_many');
  const room = await takeFromLimits(app, [{ limit: 'passkey_by_address', key: from.ip }]);
  if (!room.ok) return room;
  const user = { handle: await userHandle(app, account.id), ...namesOf(account) };
  const challenge = await issueChallenge(app, challengeFor(what));
  return { ok: true, options: creationOptions({ party, user, challenge, making: what.making, others }) };
}

export type EnrolPasskeyRefusal = 'refused' | 'expired' | 'not_verified' | 'already_registered' | 'too_many';

/** `fallbackName` names a passkey whose authenticator is not in our table, in the person's language. */
export async function enrolPasskey(
  app: PasskeyContext,
  given: PasskeyInMaking & { response: string; fallbackName: string; locale: Locale },
  from: RequestSource,
): Promise<Outcome<{ passkey: Passkey }, EnrolPasskeyRefusal>> {
  const checked = await checkMade(app, given);
  if (!checked.ok) return checked;
  const { accountId, making, fallbackName, at, boundTo } = given;
  const kind = making === 'security_key' ? 'security_key' : 'passkey';
  const made = { ...checked, accountId, kind, fallbackName, from } as const;
  const sessionUid = at === 'enrol' ? boundTo : undefined;
  const tell = async ({ id, name }: Passkey) => {
    const detail = { credential: id, made: making };
    await recordEvent(app, { type: 'passkey.added', accountId, sessionUid, detail }, from);
    const told = { template: 'passkey_added', values: { passkey: name } } as const;
    await notifyAccount(app, { accountId, pageLocale: given.locale, ...told });
  };
  // Whoever came in without a security key is out, as with an authenticator app.
  const follows = (added: Passkey) =>
    kind === 'security_key'
      ? cutOffOthers(app, { accountId, except: boundTo }, () => tell(added))
      : nowOrLater(app, () => tell(added));
  const added = await add(app, { ...made, boundTo }, follows);
  if (added.ok) await follows(added.passkey);
  return added;
}

/** Its challenge is spent, and nobody comes again with it. */
async function add(
  app: PasskeyContext,
  { boundTo, ...made }: NewPasskey & { boundTo: string },
  follows: (added: Passkey) => Promise<unknown>,
) {
  let added: Passkey | undefined;
  const change = async (tx: Database) => {
    const outcome = await addPasskey({ ...app, db: tx }, made);
    if (!outcome.ok) return outcome;
    added = outcome.passkey;
    // A security key is asked for at every sign-in from now on.
    if (made.kind === 'security_key') {
      await turnOn(tx, made.accountId, app.clock.now());
      await signOutOthers(app, tx, { accountId: made.accountId, except: boundTo });
    }
    return outcome;
  };
  return await changeInDoubt(
    app,
    () =>
      made.kind === 'security_key'
        ? changeTwoStep(app, made.accountId, change)
        : app.db.transaction().execute(change),
    async () => added && follows(added),
  );
}

async function checkMade(
  app: PasskeyContext,
  { response: text, ...what }: PasskeyInMaking & { response: string },
) {
  const party = relyingParty(app.settings);
  const response = readRegistration(text);
  const client = response && readClientData(response.response.clientDataJSON);
  if (!party || !response || !client) return refused('refused');
  if (!(await spendChallenge(app, { ...challengeFor(what), challenge: client.challenge })))
    return refused('expired');
  const registered = checkRegistration(response, {
    rpId: party.id,
    origin: party.origin,
    verified: what.making === 'passkey',
    quiet: what.making === 'quiet_passkey',
  });
  if (registered.ok) return { ok: true, registered, transports: response.response.transports } as const;
  return refused(registered.reason === 'not_verified' ? 'not_verified' : 'refused');
}

function challengeFor({ at, boundTo, accountId, making }: PasskeyInMaking): ChallengeFor {
  return { purpose: at, about: [boundTo, accountId, making] };
}

/** How the authenticator lists it, for its owner to choose by (WebAuthn section 5.4.3). Kept there, never sent back. */
export function namesOf(account: Account): { name: string; displayName: string } {
  const contact = firstContact(account, 'email') ?? firstContact(account, 'phone');
  const name = contact?.written ?? account.profile.preferred_username ?? account.profile.name ?? account.id;
  return { name, displayName: account.profile.name ?? name };
}
