import { recordEvent } from '../audit/record.ts';
import { isCommonPassword } from '../credentials/common-passwords.ts';
import { days } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * The password was right, and is one that attackers try first: it came with an import, or the list has grown since it was set
 * (misuse case SI-09). Who signs in gets in, and is locked out by nobody's list; the owner is asked to choose another, once a month.
 * The list is on this machine. That it could not be told keeps nobody out either.
 */
export async function warnOfKnownPassword(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'settings' | 'log'>,
  { accountId, password }: { accountId: string; password: string },
  from: RequestSource,
): Promise<void> {
  if (!isCommonPassword(password)) return;
  const { count } = await ctx.live.count(`{account ${accountId}}:told of password`, 30 * days, 1);
  if (count > 1) return;
  await recordEvent(ctx, { type: 'password.known', accountId }, from);
  await notifyAccount(ctx, { accountId, template: 'password_known' });
}
