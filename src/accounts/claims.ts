import { domainToASCII } from 'node:url';
import type { Account, Contact } from './account.ts';

/**
 * Every standard claim of the account (OpenID Connect Core section 5.1), whoever asks; which of them an app gets is for
 * the scopes and the consent to say. A claim that is not known is left out, never null or empty (section 5.3.2).
 */
export function claimsOf(account: Account): Record<string, unknown> {
  const email = firstContact(account, 'email');
  const phone = firstContact(account, 'phone');
  return {
    ...account.profile,
    sub: account.id,
    ...(email && { email: addrSpec(email.written), email_verified: email.verifiedAt !== null }),
    ...(phone && { phone_number: phone.address, phone_number_verified: phone.verifiedAt !== null }),
    updated_at: Math.floor(account.updatedAt / 1000),
  };
}

/** The contact of a channel that counts: a proved one before one that is not, then the oldest. */
export function firstContact(account: Account, channel: Contact['channel']): Contact | undefined {
  const ofChannel = account.contacts.filter((contact) => contact.channel === channel);
  return ofChannel.find((contact) => contact.verifiedAt !== null) ?? ofChannel[0];
}

/** The email claim is an RFC 5322 addr-spec, whose domain is ASCII; people are shown the Unicode one. */
function addrSpec(written: string): string {
  const at = written.lastIndexOf('@');
  return `${written.slice(0, at)}@${domainToASCII(written.slice(at + 1))}`;
}
