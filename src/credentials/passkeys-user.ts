import { randomBytes } from 'node:crypto';
import { days } from '../kit/durations.ts';
import type { Services } from '../services.ts';

/**
 * An account as authenticators know it. Its *user handle* is 64 random bytes, made when first needed: authenticators show
 * it to whoever asks for our name, so it must tell nothing of the account (WebAuthn section 14.6.1). It stays when the
 * last passkey goes, or password managers would take the next one for another person's.
 */
export async function userHandle({ db }: Pick<Services, 'db'>, accountId: string): Promise<string> {
  const known = await findUserHandle({ db }, accountId);
  if (known !== undefined) return known;
  await db
    .insertInto('passkey_users')
    .values({
      account_id: accountId,
      handle: randomBytes(64).toString('base64url'),
      offered_at: null,
      offer_declined_at: null,
    })
    .onConflict((conflict) => conflict.column('account_id').doNothing())
    .execute();
  // Of two requests at once, both answer with what the first one wrote.
  return userHandle({ db }, accountId);
}

export async function findUserHandle(
  { db }: Pick<Services, 'db'>,
  accountId: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('passkey_users')
    .select('handle')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row?.handle;
}

/** "Not now" is good for this long. */
const offerRests = 30 * days;

/** Whether the account was never offered a passkey, or so long ago that it may be asked again; and did not say never. */
export async function mayOfferPasskey(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  accountId: string,
): Promise<boolean> {
  const row = await db
    .selectFrom('passkey_users')
    .select(['offered_at', 'offer_declined_at'])
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (!row) return true;
  return row.offer_declined_at === null && clock.now() - (row.offered_at ?? 0) > offerRests;
}

/** `never`: the person does not want to be asked again. */
export async function noteOfferAnswered(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, never }: { accountId: string; never: boolean },
): Promise<void> {
  await userHandle({ db }, accountId);
  const now = clock.now();
  await db
    .updateTable('passkey_users')
    .set({ offered_at: now, ...(never ? { offer_declined_at: now } : {}) })
    .where('account_id', '=', accountId)
    .execute();
}
