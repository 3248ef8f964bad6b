import { minutes, seconds } from '../../kit/durations.ts';
import type { Services } from '../../services.ts';
import { putRight } from '../../store/in-doubt.ts';
import { type LiveStep, StoreUnavailable } from '../../store/live.ts';
import { commitTwice } from '../../store/once-more.ts';
import { layout } from '../live-layout.ts';
import type { Asked } from './asked.ts';
import { type StoredAsked, writeAsked } from './asked-form.ts';

type Context = Pick<Services, 'live' | 'clock'>;

/**
 * Compare and set. Undefined when somebody else changed it, or it is gone. Whoever answers stands in what is written (`taken`),
 * so that after a reply that was lost on the wire what is there is recognised as ours.
 */
export async function changeAsked(
  { live, clock }: Context,
  asked: Asked,
  stored: StoredAsked,
): Promise<Asked | undefined> {
  const value = writeAsked(stored);
  const ttlMs = Math.max(1 * seconds, asked.expiresAt - clock.now()) + 10 * minutes;
  const key = layout.asked(asked.id);
  const step: LiveStep = { do: 'replace', key, expect: asked.read.value, value, ttlMs };
  const written = await commitTwice({ live }, [step]);
  if (!written.ok && (await live.read([key]))[0]?.value !== value) return undefined;
  if (stored.grantId !== undefined || stored['error'] !== undefined) await unlist({ live }, asked);
  return { ...asked, read: { value, stored } };
}

/** It waits no more. Whoever reads the list looks at each request, so an entry too many is nothing but an entry too many. */
async function unlist({ live }: Pick<Context, 'live'>, { accountId, id }: Asked): Promise<void> {
  if (accountId === undefined) return;
  const strike: LiveStep = { do: 'strike', key: layout.accountAsked(accountId), member: id };
  await live.commit([strike]).catch((error) => {
    if (!(error instanceof StoreUnavailable)) throw error;
  });
}

/** As soon as the store answers again, for who was told 503 and may press again; what was done by then is left as it is. */
export function changeLater(
  context: Pick<Services, 'live' | 'clock' | 'log'>,
  asked: Asked,
  to: StoredAsked,
): void {
  putRight(context, async () => void (await changeAsked(context, asked, to)));
}
