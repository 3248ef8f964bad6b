import { recordEvent } from '../audit/record.ts';
import { removeTotp as dropTotp, listTotp } from '../credentials/totp.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { cutOffOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'settings'>;

/**
 * Takes an authenticator app off the account; with the last one, two-step verification is off. Only for a session that
 * was proved with the second step just now (the page asks for it), and every other one ends. `unknown` also for an app
 * of somebody else.
 */
export async function removeTotp(
  ctx: Context,
  {
    accountId,
    sessionUid,
    id,
    locale,
  }: { accountId: string; sessionUid: string; id: string; locale?: Locale },
  from?: RequestSource,
): Promise<Outcome<{ left: number }, 'unknown'>> {
  const removed = (await listTotp(ctx, accountId)).find((credential) => credential.id === id);
  if (!removed || !(await dropTotp(ctx, { accountId, id }))) return refused('unknown');
  const { ended } = await cutOffOthers(ctx, { accountId, except: sessionUid });
  await recordEvent(ctx, { type: 'totp.removed', accountId, sessionUid, detail: { credential: id } }, from);
  if (ended > 0)
    await recordEvent(ctx, { type: 'sessions.ended', accountId, detail: { count: ended } }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'second_step_removed' });
  return { ok: true, left: (await listTotp(ctx, accountId)).length };
}
