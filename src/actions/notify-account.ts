import { findAccount } from '../accounts/account.ts';
import { addAlarm } from '../credentials/alarms.ts';
import { type LimitContext, takeFromLimits } from '../limits/limits.ts';
import { noticeTakes } from '../limits/message-budget.ts';
import { sendMessage } from '../mail/message.ts';
import { type Told, templateOf } from '../mail/templates.ts';
import type { Services } from '../services.ts';
import { onceItAnswers } from '../store/in-doubt.ts';
import { StoreUnavailable } from '../store/live.ts';
import { type Locale, locales } from '../web/words.ts';

/** The page behind the link. */
export const notMePath = '/account/not-me';

/**
 * Tells the person what was done to their account, at EVERY address they proved: whoever did it may hold one of them
 * (NIST SP 800-63B-4 section 4.6). In the language the person chose, else in the one the page had. Where it may have been
 * somebody else, the link in it is this notice's own "It wasn't me" (raise-alarm.ts). Text messages have a budget,
 * or somebody who earns by them would only have to change something over and over.
 */
export async function notifyAccount(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'settings' | 'log' | 'metrics'>,
  { accountId, pageLocale = 'en', ...told }: { accountId: string; pageLocale?: Locale | undefined } & Told,
): Promise<void> {
  const account = await findAccount(ctx, accountId);
  if (!account) return;
  const [language] = account.profile.locale?.toLowerCase().split(/[-_]/) ?? [];
  const locale = locales.find((known) => known === language) ?? pageLocale;
  const proved = account.contacts.filter(({ verifiedAt }) => verifiedAt !== null);
  if (proved.length === 0) return;
  const path = await alarmPath(ctx, { accountId, template: told.template });
  for (const { channel, address, written } of proved) {
    const send = () => sendMessage(ctx, { to: { channel, written }, locale, path, ...told });
    if (channel === 'email') await send();
    else await withinBudget(ctx, address, send);
  }
}

/**
 * The budget is counted in the live state. Where that is away the text follows once it answers: what it tells of is done, and what
 * was sent and recorded by now must not be done anew for this.
 */
async function withinBudget(
  ctx: LimitContext & Pick<Services, 'settings'>,
  number: string,
  send: () => Promise<void>,
): Promise<void> {
  const work = async () => {
    if ((await takeFromLimits(ctx, noticeTakes(ctx, number))).ok) await send();
  };
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    onceItAnswers(ctx, work);
  }
}

async function alarmPath(
  ctx: Pick<Services, 'db' | 'clock'>,
  { accountId, template }: { accountId: string } & Pick<Told, 'template'>,
): Promise<string | undefined> {
  if (templateOf(template).after !== 'not_you') return undefined;
  const secret = await addAlarm(ctx, { accountId, about: template });
  return `${notMePath}?link=${secret}`;
}
