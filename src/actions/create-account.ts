import { addAccount } from '../accounts/account.ts';
import type { NewContact } from '../accounts/contacts.ts';
import type { Profile } from '../accounts/profile.ts';
import { recordEvent } from '../audit/record.ts';
import type { PasswordRefusal } from '../credentials/password.ts';
import { checkNewPassword, hashPassword, storePasswordHash } from '../credentials/password.ts';
import { addTotp } from '../credentials/totp.ts';
import type { Outcome } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { endAccessOfDisplaced } from './end-all-access.ts';

export type NewAccount = {
  profile: Profile;
  contacts: readonly NewContact[];
  /** Without one the person sets it by the reset of a forgotten password. */
  password?: string | undefined;
  /** Base32 (checked by isTotpSecret), when their authenticator app holds it already. */
  totpSecret?: string | undefined;
};

/** An operator makes an account, or a seed does. The rules for passwords are those of every other route. */
export async function createAccount(
  services: Omit<Services, 'provider'>,
  { profile, contacts, password, totpSecret }: NewAccount,
  from?: RequestSource,
): Promise<Outcome<{ accountId: string }, PasswordRefusal | 'address_taken'>> {
  if (password !== undefined) {
    const checked = checkNewPassword(services, { password, about: wellKnown({ profile, contacts }) });
    if (!checked.ok) return checked;
  }
  // Slow, and may be refused by a full queue: so before anything is written.
  const hashed = password === undefined ? undefined : await hashPassword(services, password);
  const added = await addAccount(services, { profile, contacts });
  if (!added.ok) return added;
  const { accountId } = added;
  try {
    if (hashed) await storePasswordHash(services, { accountId, ...hashed });
    await recordCreation(services, { accountId, contacts, totpSecret }, from);
  } finally {
    // Whatever became of the new account: the address is theirs no more.
    await endAccessOfDisplaced(services, added.displaced);
  }
  return { ok: true, accountId };
}

/** And what else it is to have from the beginning. */
async function recordCreation(
  services: Omit<Services, 'provider'>,
  { accountId, contacts, totpSecret }: Pick<NewAccount, 'contacts' | 'totpSecret'> & { accountId: string },
  from: RequestSource | undefined,
): Promise<void> {
  const [first] = contacts;
  await recordEvent(
    services,
    {
      type: 'account.created',
      accountId,
      actor: 'operator',
      detail: { by: 'operator', ...(first && { channel: first.channel }) },
    },
    from,
  );
  if (totpSecret === undefined) return;
  const totp = await addTotp(services, { accountId, secret: totpSecret, name: 'Authenticator app' });
  if (!totp.ok) throw new Error('a TOTP secret that was not checked is not enrolled');
  await recordEvent(
    services,
    { type: 'totp.enrolled', accountId, actor: 'operator', detail: { credential: totp.id } },
    from,
  );
}

/** What anybody knows of the person, which a password must not be made of. */
export function wellKnown({
  profile,
  contacts,
}: {
  profile: Profile;
  contacts: readonly Pick<NewContact, 'written'>[];
}): string[] {
  const names = [
    profile.name,
    profile.given_name,
    profile.family_name,
    profile.nickname,
    profile.preferred_username,
  ];
  return [...names, ...contacts.map((contact) => contact.written)].filter((word) => word !== undefined);
}
