import { recordEvent } from '../../audit/record.ts';
import { days, minutes } from '../../kit/durations.ts';
import { startRounds } from '../../kit/rounds.ts';
import type { Services } from '../../services.ts';
import { describeError } from '../../web/log.ts';
import { rotateDueKeys } from './signing-keys.ts';

type Context = Pick<Services, 'db' | 'clock' | 'seals' | 'settings' | 'log'>;

const lookEvery = 10 * minutes;

/** Rotates what is due by KEY_ROTATION_DAYS. Answers the new keys; of processes that look at once, one makes them. */
export async function rotateOnSchedule(context: Context): Promise<string[]> {
  const { KEY_ROTATION_DAYS } = context.settings;
  if (KEY_ROTATION_DAYS === 0) return [];
  const { kids, signsFrom } = await rotateDueKeys(context, { everyMs: KEY_ROTATION_DAYS * days });
  if (kids.length === 0) return kids;
  await recordEvent(context, { type: 'keys.rotated', detail: { kids }, actor: 'system' });
  context.log.info({ kids, signsFrom }, 'new signing keys were made, as scheduled');
  return kids;
}

/** Looks now and then, until `stop`, which waits for a rotation under way. Every process may: a server that is rarely up still rotates. */
export function startKeySchedule(context: Context): { stop(): Promise<void> } {
  const rounds = startRounds({
    every: lookEvery,
    work: () => rotateOnSchedule(context),
    failed: (error) =>
      context.log.warn({ error: describeError(error) }, 'the signing keys could not be rotated'),
  });
  rounds.look();
  return rounds;
}
