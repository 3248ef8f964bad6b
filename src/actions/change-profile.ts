import { findAccount, changeProfile as storeProfile } from '../accounts/account.ts';
import type { Profile } from '../accounts/profile.ts';
import { recordEvent } from '../audit/record.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * Puts what the person says about themselves in the place of what stood there. Only members of the profile can change
 * here, whatever a form carries: addresses and their proofs, locks and ids are no part of it. The record names the
 * members that changed, never their values.
 */
export async function changeProfile(
  ctx: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { accountId, profile }: { accountId: string; profile: Profile },
  from?: RequestSource,
): Promise<Outcome<{ changed: string[] }, 'not_found'>> {
  const account = await findAccount(ctx, accountId);
  if (!account) return refused('not_found');
  const changed = changedMembers(account.profile, profile);
  if (changed.length === 0) return { ok: true, changed };
  const stored = await storeProfile(ctx, { accountId, profile });
  if (!stored.ok) return stored;
  await recordEvent(ctx, { type: 'account.changed', accountId, detail: { claims: changed } }, from);
  return { ok: true, changed };
}

function changedMembers(before: Profile, after: Profile): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Profile>;
  const text = (value: unknown) => JSON.stringify(value, sortedNames(value));
  return [...names].filter((name) => text(before[name]) !== text(after[name]));
}

function sortedNames(value: unknown): string[] | undefined {
  return typeof value === 'object' && value !== null ? Object.keys(value).sort() : undefined;
}
