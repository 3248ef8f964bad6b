import { type Outcome, refused } from '../kit/outcome.ts';
import { giveBack, orGiveBack, type Take, takeFromLimits } from '../limits/limits.ts';
import { type Asked, findByUserCode } from '../oidc/cross-device/asked.ts';
import { readUserCode } from '../oidc/device/user-code.ts';
import type { App } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

export type DeviceCodeRefusal = 'not_a_code' | 'unknown' | 'expired' | 'answered';

/**
 * What a user code leads to (RFC 8628 section 5.1: guesses at it are limited). Who is not signed in is counted by their
 * address, who is by their account: nobody at an address, and nobody anywhere, can use up the tries of somebody
 * who is signed in. What everybody guesses wrong is counted too; when that is too much it is recorded and nothing is refused.
 */
export async function findDeviceCode(
  app: App,
  { typed, accountId }: { typed: string; accountId: string | undefined },
  { ip }: Pick<RequestSource, 'ip'>,
): Promise<
  | Outcome<{ asked: Asked; userCode: string }, DeviceCodeRefusal>
  | { ok: false; reason: 'limited'; retryAfterSeconds: number }
> {
  const userCode = readUserCode(typed);
  // Letters that no code has, or too few of them, are a slip and no guess.
  if (userCode === undefined) return refused('not_a_code');
  const take: Take = accountId
    ? { limit: 'user_code_by_account', key: accountId }
    : { limit: 'user_code_by_address', key: ip };
  const taken = await takeFromLimits(app, [take]);
  if (!taken.ok) return taken;
  const asked = await orGiveBack(app, [take], () => findByUserCode(app, userCode));
  if (!asked) {
    await takeFromLimits(app, [{ limit: 'user_code_by_everyone' }]);
    return refused('unknown');
  }
  await giveBack(app, [take]);
  if (asked.state === 'expired') return refused('expired');
  return asked.state === 'open' ? { ok: true, asked, userCode } : refused('answered');
}
