import type { Services } from '../services.ts';
import type { Spent } from '../store/in-doubt.ts';
import type { LiveStep } from '../store/live.ts';
import { commitTwice } from '../store/once-more.ts';
import { requestMemory } from './request-memory.ts';
import { requestName } from './token-records.ts';

/**
 * Uses up what lies under no grant and is good once, for the request that is under way: of any number at once, one is told
 * yes. Where that request ends in a 503 it is unused again (in-doubt.ts), so that who comes again is not told otherwise.
 */
export function spendAlone(
  { live }: Pick<Services, 'live'>,
  { keepMs, ...what }: Omit<Spent, 'by'> & { keepMs?: number },
): () => Promise<boolean> {
  const spent: Spent = { ...what, by: requestName() };
  // Before it is known to be so: that it is may be what is not heard.
  requestMemory()?.spent.push(spent);
  const consume: LiveStep = { do: 'consume', key: spent.key, by: spent.by, ...(keepMs && { keepMs }) };
  return async () => (await commitTwice({ live }, [consume])).ok;
}
