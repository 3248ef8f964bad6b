import type { Account } from './account.ts';
import { claimsOf } from './claims.ts';

/**
 * What apps of the Login-with-Amazon kind can learn of a person. They have no word for an address that was not proved, and
 * many of them find their own accounts by it; so there is no e-mail address until it is proved.
 */
export function compatProfileOf(account: Account): { name?: string; email?: string; postal_code?: string } {
  const { name, email, email_verified, address } = claimsOf(account) as {
    name?: string;
    email?: string;
    email_verified?: boolean;
    address?: { postal_code?: string };
  };
  return {
    ...(name === undefined ? {} : { name }),
    ...(email !== undefined && email_verified ? { email } : {}),
    ...(address?.postal_code === undefined ? {} : { postal_code: address.postal_code }),
  };
}
