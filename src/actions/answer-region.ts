import { findAccountByIdentifier } from '../accounts/account.ts';
import { minutes } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { sameSecret } from '../kit/secrets.ts';
import { type Limited, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import { type RegionQuestion, regionMac } from './ask-regions.ts';

/** Clocks of two sites differ, and a question that was overheard is soon no question any more. */
const goodFor = 1 * minutes;

/**
 * The other end of ask-regions.ts: says whether an address is proved by an account here, to a site that knows the secret and
 * means us. Not of accounts that may not come in: nobody is to be sent to a locked door.
 */
export async function answerRegion(
  ctx: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log' | 'settings' | 'metrics'>,
  { mac, ...question }: RegionQuestion & { mac: string },
): Promise<Outcome<{ known: boolean }, 'refused'> | Limited> {
  const { settings, clock } = ctx;
  if (settings.REGIONS_SECRET === undefined) return refused('refused');
  const late = Math.abs(clock.now() - Number(question.at));
  const ours = question.to === settings.issuer.origin && late <= goodFor;
  if (!sameSecret(mac, regionMac(settings.REGIONS_SECRET, question)) || !ours) return refused('refused');
  const room = await takeFromLimits(ctx, [{ limit: 'region_lookup_by_everyone' }]);
  if (!room.ok) return room;
  const channel = question.channel === 'phone' ? 'phone' : 'email';
  const account = await findAccountByIdentifier(ctx, { channel, address: question.address });
  const proved = account?.contacts.some(
    (one) => one.channel === channel && one.address === question.address && one.verifiedAt !== null,
  );
  return { ok: true, known: proved === true && account?.suspendedAt === null && account.lockedAt === null };
}
