import { listEvents, type RecordedEvent } from '../audit/list.ts';
import type { Services } from '../services.ts';
import { browserFamily } from '../web/browser-family.ts';
import type { RequestSource } from '../web/request-source.ts';
import { manyFailures, type RiskSign, signsIn } from './risk-rules.ts';
import type { Standing } from './standing.ts';

/**
 * What is unusual about a sign-in, from the account's own past in the audit record and nothing else: no score, nothing learned,
 * nothing asked of anybody. The same function answers now and for what is long over (`latchkey risk try`).
 */
type Context = Pick<Services, 'db' | 'clock' | 'places'>;
/** Of sign-ins: to know the countries, where there is something to know them by. */
const looksBackAt = 100;

/** No signs where the browser is known: it is one of two, and both must be there. */
export async function riskNow(
  ctx: Context & Pick<Services, 'settings'>,
  {
    accountId,
    from,
    standing,
    passwordKnown,
  }: {
    accountId: string;
    from: RequestSource;
    standing: Standing;
    passwordKnown?: boolean | undefined;
  },
): Promise<{ newBrowser: boolean; signs: RiskSign[] }> {
  if (standing.knownBrowser) return { newBrowser: false, signs: [] };
  if (!ctx.settings.ADAPTIVE_CHECK) return { newBrowser: true, signs: [] };
  const now = ctx.clock.now();
  if (!ctx.places.configured)
    return { newBrowser: true, signs: signsIn({ now, passwordKnown, ...withoutPlaces(standing) }) };
  const past = await pastOf(ctx, { accountId });
  return { newBrowser: true, signs: signsAt(ctx, { now, ip: from.ip, passwordKnown }, past) };
}

/** Where nothing is known of places, the last sign-in and the oldest of many failures say all there is to say. */
function withoutPlaces({ lastSignInAt, manyFailuresSince }: Standing) {
  return {
    place: undefined,
    signIns: lastSignInAt === null ? [] : [{ at: lastSignInAt, place: undefined }],
    failures: manyFailuresSince === null ? [] : Array<number>(manyFailures).fill(manyFailuresSince),
  };
}

type TriedSignIn = {
  at: number;
  accountId: string;
  ip: string | null;
  userAgent: string | null;
  signs: RiskSign[];
};

/**
 * The sign-ins since then as they would be judged now: those by password alone, from a browser that was not known. What was
 * recorded before that was kept with the sign-in goes by the kind of browser. `looked`: how many there were of any sort.
 */
export async function tryRiskSince(
  ctx: Context,
  { since, limit }: { since: number; limit: number },
): Promise<{ looked: number; asked: TriedSignIn[] }> {
  const asked: TriedSignIn[] = [];
  let looked = 0;
  let before: string | undefined;
  for (;;) {
    const types = ['account.signed_in'] as const;
    const events = await listEvents(ctx, { types, limit: Math.min(500, limit - looked), before });
    const wanted = events.filter(({ at }) => at >= since);
    for (const event of wanted) asked.push(...(await triedAgain(ctx, event)));
    looked += wanted.length;
    before = events.at(-1)?.id;
    if (wanted.length < events.length || events.length === 0 || looked >= limit) return { looked, asked };
  }
}

async function triedAgain(ctx: Context, event: RecordedEvent): Promise<TriedSignIn[]> {
  const { id, at, accountId, ip, userAgent, detail } = event;
  const amr = Array.isArray(detail['amr']) ? detail['amr'] : [];
  if (!accountId || !amr.includes('pwd') || amr.includes('mfa') || detail['trusted_device']) return [];
  if (detail['new_browser'] === false) return [];
  const past = await pastOf(ctx, { accountId, before: id });
  const family = browserFamily(userAgent);
  const seenBefore = past.some(
    (one) => one.type === 'account.signed_in' && browserFamily(one.userAgent) === family,
  );
  if (detail['new_browser'] === undefined && seenBefore) return [];
  const signs = signsAt(ctx, { now: at, ip: ip ?? '' }, past);
  return signs.length > 0 ? [{ at, accountId, ip, userAgent, signs }] : [];
}

async function pastOf(
  ctx: Pick<Services, 'db'>,
  { accountId, before, limit = looksBackAt }: { accountId: string; before?: string; limit?: number },
): Promise<RecordedEvent[]> {
  const of = (type: 'account.signed_in' | 'account.sign_in_failed', most: number) =>
    listEvents(ctx, { accountId, types: [type], before, limit: most });
  // Each by itself: a thousand failures must not hide from where its owner comes.
  const lists = [of('account.signed_in', limit), of('account.sign_in_failed', manyFailures)];
  return (await Promise.all(lists)).flat();
}

function signsAt(
  { places }: Pick<Services, 'places'>,
  { now, ip, passwordKnown }: { now: number; ip: string; passwordKnown?: boolean | undefined },
  past: readonly RecordedEvent[],
): RiskSign[] {
  const placeOf = (address: string | null) => (address ? places.placeOf(address) : undefined);
  const of = (type: string) => past.filter((one) => one.type === type);
  return signsIn({
    now,
    passwordKnown,
    place: placeOf(ip),
    signIns: of('account.signed_in').map((one) => ({ at: one.at, place: placeOf(one.ip) })),
    failures: of('account.sign_in_failed').map(({ at }) => at),
  });
}
