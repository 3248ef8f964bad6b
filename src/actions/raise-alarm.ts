import { recordEvent } from '../audit/record.ts';
import { type Alarm, findAlarm, raiseAlarm as raise } from '../credentials/alarms.ts';
import { forgetBrowsers } from '../credentials/known-browsers.ts';
import { removePassword } from '../credentials/password.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { endAccessAround } from './end-all-access.ts';
import { notifyAccount } from './notify-account.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;

/** What the link of a notice is about, for the page that asks whether it is meant. Looking changes nothing. */
export async function readAlarm(
  ctx: Context,
  secret: string,
): Promise<Outcome<{ alarm: Alarm }, 'unknown' | 'already_raised'>> {
  return await findAlarm(ctx, secret);
}

/**
 * "It wasn't me": whoever is inside is out, with every app and every trusted browser; the password, which may be known, is gone
 * until the owner sets another by the reset; and for a day nothing that protects the account can be changed, whoever comes in.
 * Ending comes first and is safe to repeat; the link is used up last, by one of two requests at once.
 */
export async function raiseAlarm(
  ctx: Context,
  { secret, locale }: { secret: string; locale: Locale },
  from: RequestSource,
): Promise<Outcome<object, 'unknown' | 'already_raised'>> {
  const found = await findAlarm(ctx, secret);
  if (!found.ok) return found;
  const { accountId, about } = found.alarm;
  const { ended } = await endAccessAround(ctx, { accountId }, async () => {
    await removePassword(ctx, accountId);
    await forgetBrowsers(ctx, { accountId });
    return true;
  });
  if (!(await raise(ctx, secret))) return refused('already_raised');
  const detail = { about, sessions_ended: ended.sessions };
  await recordEvent(ctx, { type: 'account.alarm_raised', accountId, detail }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'alarm_raised' });
  return { ok: true };
}
