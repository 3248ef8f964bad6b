import { recordEvent } from '../audit/record.ts';
import { hours } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * Somebody proved the first factor and then only guessed (misuse case MF-01). The owner is told, once a day, and no browser is
 * trusted any more: the second step is all that stands between the account and whoever knows its password.
 */
export async function warnOfGuesses(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  { accountId, locale }: { accountId: string; locale: Locale },
  from: RequestSource,
): Promise<void> {
  await recordEvent(ctx, { type: 'account.second_step_guessed', accountId }, from);
  await dropTrustedDevices(ctx, { accountId, reason: 'high_risk' }, from);
  const { count } = await ctx.live.count(`{account ${accountId}}:told of guesses`, 24 * hours, 1);
  if (count > 1) return;
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'second_step_guessed' });
}
