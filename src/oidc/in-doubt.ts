import { hours } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import { putRight, unspendLater } from '../store/in-doubt.ts';
import { type LiveStep, partitionOf } from '../store/live.ts';
import { readAsked } from './cross-device/asked-form.ts';
import { layout } from './live-layout.ts';
import { readToken } from './record-forms.ts';
import type { RequestMemory } from './request-memory.ts';
import { readSpent, spentIsKept, writeSpent } from './rotation.ts';

/**
 * A commit that nobody knows the outcome of: its reply was lost, and so was the one of its repetition. The app is told
 * 503 and will come again, with the same code or refresh token, and if the commit did happen it would look like a thief.
 * So what was answered with 503 is made true as soon as the store answers again: a code is unused once more, and a
 * refresh token may be repeated for an hour, until its successor is used. That gives a thief nothing that they would not
 * have, had the commit not happened. Only this process knows of it; if it dies first, a refresh token still
 * has its grace, and a code is refused like any that comes twice.
 */
type Context = Pick<Services, 'live' | 'clock' | 'settings' | 'log'>;
type Consume = Extract<LiveStep, { do: 'consume' }>;

/** Apps come again when their people do. */
const doubtLasts = 1 * hours;

export function settleLater(context: Context, steps: readonly LiveStep[]): void {
  const spends = steps.find((step) => step.do === 'consume');
  if (!spends) return;
  putRight(context, () => settleNow(context, spends, steps));
}

/** What lies alone and was used by a request that is answered with an outage, wherever in it that came. */
export function returnSpent(context: Context, { spent, outage }: Pick<RequestMemory, 'spent' | 'outage'>) {
  const used = spent.splice(0);
  if (outage) for (const one of used) unspendLater(context, one);
}

async function settleNow({ live, clock, settings }: Context, spends: Consume, steps: readonly LiveStep[]) {
  const { key, by } = spends;
  const [entry] = await live.read([key]);
  // It did not happen, somebody else was first, or the grant ended and everything with it.
  if (entry?.consumedBy !== by) return;
  const grantId = partitionOf(key);
  const alive = { do: 'require', key: layout.grant(grantId) } as const;
  // Somebody else may have used it since it was read, if it was good again by then: this refuses.
  const still = { do: 'consume', key, by } as const;
  const given = steps.filter((step) => step.do === 'put');
  const spent = readSpent(by);
  const successor = given.find((step) => step.key.includes('}:r:'));
  if (key.includes('}:c:') || key.endsWith('}:q')) {
    const { exp = 0 } = key.endsWith('}:q')
      ? readAsked(entry.value)
      : readToken(entry.value, { letter: 'c', grantId, grant: {} });
    const ttlMs = Math.max(1, exp * 1000 - clock.now());
    const nothingGiven = given.map((step) => ({ do: 'delete', key: step.key }) as const);
    await live.commit([alive, still, { do: 'put', key, value: entry.value, ttlMs }, ...nothingGiven]);
  } else if (spent && successor) {
    const ttlMs = doubtLasts + spentIsKept(settings);
    await live.commit([
      alive,
      still,
      // Used by now: then the app had its answer after all.
      { do: 'require', key: successor.key, unspent: true },
      { do: 'put', key, value: entry.value, ttlMs },
      { do: 'consume', key, by: writeSpent({ ...spent, at: clock.now() + doubtLasts }) },
    ]);
  }
}
