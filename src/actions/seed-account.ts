import type { Account } from '../accounts/account.ts';
import { findAccountByIdentifier } from '../accounts/account.ts';
import { addContacts, type NewContact, proveContact } from '../accounts/contacts.ts';
import type { Profile } from '../accounts/profile.ts';
import { recordEvent } from '../audit/record.ts';
import type { PasswordRefusal } from '../credentials/password.ts';
import { checkNewPassword, setPassword, verifyPassword } from '../credentials/password.ts';
import { addTotp, listTotp } from '../credentials/totp.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import { changeProfile } from './change-profile.ts';
import type { NewAccount } from './create-account.ts';
import { createAccount, wellKnown } from './create-account.ts';
import { endAccessOfDisplaced, endAllAccess } from './end-all-access.ts';

export type Seeded = { accountId: string; result: 'created' | 'changed' | 'unchanged' };

/**
 * Brings an account to what a seed says, found by its first contact. Safe to repeat: what is so already is not written,
 * a password that is right already is not set again, and what the seed does not speak of stays. Nothing is taken away.
 */
export async function seedAccount(
  services: Services,
  seed: NewAccount,
): Promise<Outcome<Seeded, PasswordRefusal | 'address_taken'>> {
  const [first] = seed.contacts;
  if (!first) throw new Error('a seeded account has an address');
  const account = await findAccountByIdentifier(services, first);
  if (!account) {
    const created = await createAccount(services, seed);
    return created.ok ? { ...created, result: 'created' } : created;
  }
  const changes = [
    await bringContacts(services, account, seed.contacts),
    await bringProfile(services, account, seed.profile),
    await bringPassword(services, account, seed),
    await bringTotp(services, account, seed.totpSecret),
  ];
  for (const change of changes) if (change !== true && change !== false) return change;
  return { ok: true, accountId: account.id, result: changes.includes(true) ? 'changed' : 'unchanged' };
}

async function bringProfile(services: Services, account: Account, profile: Profile): Promise<boolean> {
  const merged = { ...account.profile, ...profile };
  const changed = await changeProfile(services, { accountId: account.id, profile: merged });
  return changed.ok && changed.changed.length > 0;
}

async function bringContacts(services: Services, account: Account, contacts: readonly NewContact[]) {
  let changed = false;
  for (const contact of contacts) {
    const known = account.contacts.find(
      (one) => one.channel === contact.channel && one.address === contact.address,
    );
    if (known && (known.verifiedAt !== null || !contact.verified)) continue;
    if (contact.verified) {
      const proved = await proveContact(services, { accountId: account.id, contact });
      if (!proved.ok) return refused('address_taken');
      await endAccessOfDisplaced(services, proved.displaced);
      await recordEvent(services, {
        type: 'contact.proved',
        accountId: account.id,
        actor: 'operator',
        detail: { channel: contact.channel },
      });
    } else
      await services.db
        .transaction()
        .execute((tx) => addContacts(tx, account.id, [contact], services.clock.now()));
    changed = true;
  }
  return changed;
}

async function bringPassword(services: Services, account: Account, { password, ...seed }: NewAccount) {
  if (password === undefined) return false;
  const accountId = account.id;
  if (await verifyPassword(services, { accountId, password })) return false;
  const checked = checkNewPassword(services, { password, about: wellKnown(seed) });
  if (!checked.ok) return checked;
  await setPassword(services, { accountId, password });
  // Whoever came in with the old one is out.
  await endAllAccess(services, { accountId });
  await recordEvent(services, { type: 'password.set', accountId, actor: 'operator' });
  return true;
}

async function bringTotp(services: Services, account: Account, secret: string | undefined) {
  if (secret === undefined) return false;
  const before = await listTotp(services, account.id);
  const added = await addTotp(services, { accountId: account.id, secret, name: 'Authenticator app' });
  if (!added.ok) throw new Error('a TOTP secret that was not checked is not enrolled');
  if (before.some(({ id }) => id === added.id)) return false;
  await recordEvent(services, {
    type: 'totp.enrolled',
    accountId: account.id,
    actor: 'operator',
    detail: { credential: added.id },
  });
  return true;
}
