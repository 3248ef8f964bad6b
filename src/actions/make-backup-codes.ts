import { recordEvent } from '../audit/record.ts';
import { backupCodeCount, newBackupCodes, replaceBackupCodes } from '../credentials/backup-codes.ts';
import { changeTwoStep } from '../credentials/two-step.ts';
import { minutes } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { notifyAccount } from './notify-account.ts';
import type { KindContext } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

/**
 * Ten new backup codes; those from before are over. They wait for the one page that shows them, sealed, in the live state
 * under this account and this session, and are gone from there once it took them: they are shown once.
 */
const waitingFor = 10 * minutes;
type Who = { accountId: string; sessionUid: string };

/** `off` when there is no second step that they could stand in for. */
export async function makeBackupCodes(
  ctx: KindContext,
  { accountId, sessionUid, locale }: Who & { locale: Locale },
  from: RequestSource,
): Promise<Outcome<object, 'off'>> {
  if (!(await twoStepOf(ctx, accountId)).on) return refused('off');
  // Slow, and may be refused by a full queue: so before anything is written.
  const { codes, rows } = await newBackupCodes(ctx, { accountId });
  const value = ctx.seals.seal('backup-codes-waiting', JSON.stringify(codes));
  await changeTwoStep(ctx, accountId, (tx) => replaceBackupCodes(tx, { accountId, rows }));
  const key = waitingKey({ accountId, sessionUid });
  await ctx.live.commit([{ do: 'put', key, value, ttlMs: waitingFor }]);
  const detail = { count: backupCodeCount };
  await recordEvent(ctx, { type: 'backup_codes.made', accountId, sessionUid, detail }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'backup_codes_made' });
  return { ok: true };
}

/** The codes, to whoever comes first; undefined ever after. */
export async function takeBackupCodes(
  { live, seals }: Pick<Services, 'live' | 'seals'>,
  who: Who,
): Promise<string[] | undefined> {
  const key = waitingKey(who);
  const [entry] = await live.read([key]);
  if (!entry || !(await live.commit([{ do: 'take', key }])).ok) return undefined;
  return JSON.parse(seals.open('backup-codes-waiting', entry.value));
}

function waitingKey({ accountId, sessionUid }: Who): LiveKey {
  return `{account ${accountId}}:backup-codes:${sessionUid}`;
}
