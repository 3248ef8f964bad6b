import type { KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Services } from '../services.ts';
import type { CommitResult, LiveKey, LiveStep } from '../store/live.ts';
import { memoryOf, requestMemory } from './request-memory.ts';

/**
 * What a request writes under a grant is gathered while the engine works and committed as ONE step after it, before the
 * answer leaves (settle.ts): the code or refresh token is spent and its successors are there, or neither, and it costs
 * one round trip.
 */
type Live = Pick<Services, 'live'>;

/** Inside a request the steps wait for `settle`; elsewhere they are committed now. */
export async function write({ live }: Live, steps: readonly LiveStep[]): Promise<void> {
  const waiting = requestMemory()?.writes;
  if (waiting) return void waiting.push(...steps.filter((step) => !isAsked(waiting, step)));
  const written = await live.commit(steps);
  if (!written.ok) throw refusalOf(steps, written);
}

/** Each token asks for its grant, and once is enough. */
function isAsked(waiting: readonly LiveStep[], step: LiveStep): boolean {
  return step.do === 'require' && waiting.some((one) => one.do === 'require' && one.key === step.key);
}

/** Work on records that lie elsewhere than under a grant, done beside the commit; outside a request it is done now. */
export async function beside(work: () => Promise<void>): Promise<void> {
  const waiting = requestMemory()?.works;
  if (waiting) waiting.push(work);
  else await work();
}

/** Runs when the writes of the request are kept; never when they were refused. */
export function afterWrites(ctx: KoaContextWithOIDC, tell: () => void): void {
  memoryOf(ctx).afterwards.push(tell);
}

export function refusalOf(
  steps: readonly LiveStep[],
  refused: CommitResult & { ok: false },
): errors.InvalidGrant {
  const key = steps[refused.step]?.key ?? ('{}:' as LiveKey);
  if (key.endsWith('}:q')) return new errors.InvalidGrant('it was redeemed before');
  const what = key.includes('}:c:') ? 'authorization code' : 'refresh token';
  if (refused.reason === 'consumed') return new errors.InvalidGrant(`${what} already used`);
  return new errors.InvalidGrant('the grant was revoked meanwhile');
}
