import { recordEvent } from '../audit/record.ts';
import { isCommonPassword } from '../credentials/common-passwords.ts';
import { days } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * The password was right, and is one that attackers try first: it came with an import, or the list has grown since it was set
 * (misuse case SI-09). Nobody is locked out by a list: whoever signs in chooses another at the end (change-known-password.ts). The
 * owner is told once a month, in case it was somebody else. The list is on this machine. Answers whether it was such a password.
 */
export async function warnOfKnownPassword(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  { accountId, password }: { accountId: string; password: string },
  from: RequestSource,
): Promise<boolean> {
  if (!isCommonPassword(password)) return false;
  const { count } = await ctx.live.count(`{account ${accountId}}:told of password`, 30 * days, 1);
  if (count > 1) return true;
  await recordEvent(ctx, { type: 'password.known', accountId }, from);
  await notifyAccount(ctx, { accountId, template: 'password_known' });
  return true;
}
