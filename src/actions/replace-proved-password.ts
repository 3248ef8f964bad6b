import { recordEvent } from '../audit/record.ts';
import { replacePasswordHash } from '../credentials/password.ts';
import type { PasswordHash } from '../credentials/password-hash.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { cutOffOthersAround } from './end-other-sessions.ts';
import { forgetOldPassword } from './forget-old-password.ts';
import { notifyAccount } from './notify-account.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type Replacement = {
  accountId: string;
  hashed: PasswordHash;
  /** Epoch ms. The password that was proved is not younger than this: one that is stands. */
  unlessSetAfter: number;
  /** The session that goes on. */
  except: string | undefined;
  /** In which it is done, where it is done in one. */
  sessionUid?: string;
  locale: Locale | undefined;
};

/**
 * Puts a new password in the place of the one that was proved, on the account pages and at the end of a sign-in alike: whoever else
 * came in by the old one is out, on browsers and in apps. A repetition, with the old password, gets no further, so the owner is
 * told also where the live state goes away behind it. Not `changed`: another was set meanwhile and stands, or its owner had it
 * taken away ("It wasn't me").
 */
export async function replaceProvedPassword(
  ctx: Context,
  { accountId, hashed, unlessSetAfter, except, sessionUid, locale }: Replacement,
  from: RequestSource,
): Promise<{ changed: boolean; ended: number }> {
  const change = async () => {
    if (!(await replacePasswordHash(ctx, { accountId, ...hashed, unlessSetAfter }))) return false;
    await forgetOldPassword(ctx, { accountId, except: from.browser });
    await dropTrustedDevices(ctx, { accountId, reason: 'password_changed' }, from);
    return true;
  };
  return await cutOffOthersAround(ctx, { accountId, except }, change, async (ended) => {
    const detail = { sessions_ended: ended };
    await recordEvent(ctx, { type: 'password.changed', accountId, sessionUid, detail }, from);
    await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'password_changed' });
  });
}
