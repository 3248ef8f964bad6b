import { recordEvent } from '../../audit/record.ts';
import { seconds } from '../../kit/durations.ts';
import { startRounds } from '../../kit/rounds.ts';
import type { Services } from '../../services.ts';
import { memberPages } from '../../store/live-members.ts';
import { describeError } from '../../web/log.ts';
import { fromEndings, layout } from '../live-layout.ts';
import { endListedSession } from '../session-ending.ts';
import { endingKept, strikeEnding } from '../session-mark.ts';

/**
 * Endings that were cut short, by a store that failed or a process that was killed, and that nobody repeated. Every process
 * looks through the list of them (session-ending.ts); most of the time there is nothing on it.
 */
type Context = Pick<Services, 'live' | 'clock' | 'db' | 'seals' | 'log'>;

const lookEvery = 5 * seconds;
/** Younger ones are under way, and whoever began them tells of them. */
const underWay = 10 * seconds;

export function startEndings(context: Context): { stop(): Promise<void> } {
  const rounds = startRounds({
    every: lookEvery,
    work: () => finishEndings(context),
    failed: (error) =>
      context.log.warn({ error: describeError(error) }, 'sessions that are ending could not be ended'),
  });
  rounds.look();
  return rounds;
}

/** One that cannot be ended keeps up no other. */
export async function finishEndings(context: Context): Promise<void> {
  let failed: { error: unknown } | undefined;
  for await (const listed of memberPages(context, layout.endings)) {
    const due = listed.filter(({ expiresAt }) => expiresAt - endingKept <= context.clock.now() - underWay);
    for (const { member } of due) {
      try {
        await finishOne(context, fromEndings(member));
      } catch (error) {
        failed ??= { error };
      }
    }
  }
  if (failed) throw failed.error;
}

async function finishOne(context: Context, whose: { uid: string; accountId: string }): Promise<void> {
  const { uid, accountId } = whose;
  if (await endListedSession(context, whose))
    await recordEvent(context, {
      type: 'session.ended',
      actor: 'system',
      accountId,
      detail: { session: uid },
    });
  await strikeEnding(context, whose);
}
