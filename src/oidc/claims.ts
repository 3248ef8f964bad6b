import type { Account as EngineAccount, FindAccount } from 'oidc-provider';
import type { Account } from '../accounts/account.ts';
import { claimsOf } from '../accounts/claims.ts';
import type { KnownRecords } from './known-records.ts';
import { asEngineError } from './unavailable.ts';

/** The engine's view of a person, and the record it was made from for the checks of interaction-policy.ts. */
export type KnownAccount = EngineAccount & { record: Account };

/**
 * Whoever is suspended, locked or gone is nobody to the engine: refresh and userinfo stop at once, and an
 * authorization request asks for a sign-in again (interaction-policy.ts).
 */
export function accountFinder(known: KnownRecords): FindAccount {
  return async (_ctx, accountId) => {
    const record = await asEngineError(() => known.account(accountId));
    if (!record || !mayComeIn(record)) return undefined;
    const account = accounts.get(record) ?? toEngine(record);
    accounts.set(record, account);
    return account;
  };
}

// A record that changed is another object (known-records.ts).
const accounts = new WeakMap<Account, KnownAccount>();

function toEngine(record: Account): KnownAccount {
  const claims = claimsOf(record);
  // The engine keeps of these what scopes and the grant allow; `sub` it sets itself, pairwise where asked for.
  return { accountId: record.id, record, claims: async () => ({ ...claims, sub: record.id }) };
}

export function mayComeIn({ suspendedAt, lockedAt }: Pick<Account, 'suspendedAt' | 'lockedAt'>): boolean {
  return (suspendedAt ?? undefined) === undefined && (lockedAt ?? undefined) === undefined;
}

/**
 * Whether a session that signed in at `loginTs` (epoch seconds) was ended since by a change of password or by "sign
 * out everywhere": the durable answer, which also holds for a session that a store brought back from a backup.
 */
export function isSignedOut(
  { signedOutBefore, signedOutExcept }: Pick<Account, 'signedOutBefore' | 'signedOutExcept'>,
  { uid, loginTs }: { uid: string; loginTs: number | undefined },
): boolean {
  if (!signedOutBefore || uid === signedOutExcept) return false;
  return (loginTs ?? 0) < Math.floor(signedOutBefore / 1000);
}
