import { findAccount } from '../accounts/account.ts';
import { sendMessage } from '../mail/message.ts';
import type { Told } from '../mail/templates.ts';
import type { Services } from '../services.ts';
import { type Locale, locales } from '../web/words.ts';

/**
 * Tells the person what was done to their account, at EVERY address they proved: whoever did it may hold one of them
 * (NIST SP 800-63B-4 section 4.6). In the language the person chose, else in the one the page had.
 */
export async function notifyAccount(
  ctx: Pick<Services, 'db' | 'clock' | 'seals' | 'settings' | 'log'>,
  { accountId, pageLocale = 'en', ...told }: { accountId: string; pageLocale?: Locale | undefined } & Told,
): Promise<void> {
  const account = await findAccount(ctx, accountId);
  if (!account) return;
  const [language] = account.profile.locale?.toLowerCase().split(/[-_]/) ?? [];
  const locale = locales.find((known) => known === language) ?? pageLocale;
  for (const { channel, written, verifiedAt } of account.contacts)
    if (verifiedAt !== null) await sendMessage(ctx, { to: { channel, written }, locale, ...told });
}
