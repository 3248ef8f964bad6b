import { recordEvent } from '../audit/record.ts';
import { hours, minutes } from '../kit/durations.ts';
import { done } from '../kit/outcome.ts';
import { digest } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import { addressBucket, networkBucket } from './address-bucket.ts';
import { crossDeviceLimits } from './cross-device-limits.ts';
import { giveKeptBack, type Kept, lookAtKept, takeKept } from './kept-limits.ts';
import { registrationLimits } from './registration-limits.ts';
import { secondStepLimits } from './second-step-limits.ts';

export { addressBucket };

/**
 * How often something may be tried. This room owns the tables and the counting, not what is tried nor what the page says.
 * Here: what a sender, a mailbox or everybody may do. These counters live in the live state: they are exact when requests
 * race, shared by all processes, and outlive restarts. What protects an account must outlive the loss of the live state
 * too, and stands in the records: what pesters its owner (`kept` below, kept-limits.ts) and wrong tries in a row
 * (failures.ts). What it costs to go on under pressure is in challenge.ts.
 *
 * A limit on a contact can be used up by anybody who knows its name. So those are short, and what already runs goes on
 * (sessions, codes that were sent). A limit on an address does nothing against many addresses; the ones on its network
 * and on everyone catch that, and are wide enough not to be reached by honest traffic.
 */
type Limit = {
  max: number;
  windowMs: number;
  /**
   * `account`: the one that is protected; who is signed in and may be the attacker is a `sender`. `network`: where one address
   * is a choice among many, see address-bucket.ts. `numbers`: see message-budget.ts. `hint`: what an app typed.
   */
  keyedBy:
    | ('account' | 'account and app' | 'sender' | 'grant' | 'hint')
    | ('address' | 'network' | 'contact' | 'numbers' | 'host' | 'everyone');
  /** Counted in the records, since it protects the account: its key is an account's id. */
  kept?: true;
  why: string;
};

export const limits = {
  ...registrationLimits,
  ...secondStepLimits,
  ...crossDeviceLimits,
  password_by_address: {
    max: 50,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'One guess at each of many accounts. Wide enough for an office behind one address.',
  },
  password_by_network: {
    max: 200,
    windowMs: 15 * minutes,
    keyedBy: 'network',
    why: 'The same from many addresses that one customer of a provider can pick from.',
  },
  password_by_everyone: {
    max: 600,
    windowMs: minutes,
    keyedBy: 'everyone',
    why: 'Guesses from many addresses at many accounts. Also bounds what hashing may cost.',
  },
  code_by_address: {
    max: 30,
    windowMs: hours,
    keyedBy: 'address',
    why: 'Messages sent to strangers at our cost and in our name.',
  },
  code_by_network: {
    max: 120,
    windowMs: hours,
    keyedBy: 'network',
    why: 'The same from many addresses that one customer of a provider can pick from.',
  },
  code_by_contact: {
    max: 5,
    windowMs: hours,
    keyedBy: 'contact',
    why: 'Flooding one inbox or phone, from however many addresses.',
  },
  code_by_everyone: {
    max: 2000,
    windowMs: hours,
    keyedBy: 'everyone',
    why: 'Messages to many people from many addresses, in our name.',
  },
  code_by_number_block: {
    max: 20,
    windowMs: hours,
    keyedBy: 'numbers',
    why: 'Text messages to neighbouring numbers, all but the last four digits alike: how premium ranges are pumped. A code that is typed in gives its count back.',
  },
  text_by_country: {
    max: 500,
    windowMs: hours,
    keyedBy: 'numbers',
    why: 'The same over a whole country: half of TEXTS_PER_HOUR. A code that is typed in gives its count back.',
  },
  text_by_everyone: {
    max: 1000,
    windowMs: hours,
    keyedBy: 'everyone',
    why: 'The bill for text messages: TEXTS_PER_HOUR.',
  },
  notice_text_by_number: {
    max: 20,
    windowMs: hours,
    keyedBy: 'contact',
    why: 'Notices by text message to one number: whoever earns by its messages could change something over and over. E-mail and the activity page go on.',
  },
  notice_text_by_number_block: {
    max: 100,
    windowMs: hours,
    keyedBy: 'numbers',
    why: 'The same over neighbouring numbers, which one may own together and have proved one by one.',
  },
  notice_text_by_everyone: {
    max: 1000,
    windowMs: hours,
    keyedBy: 'everyone',
    why: 'The bill for notices: TEXTS_PER_HOUR once more, so that codes and notices do not use up each other.',
  },
  code_guess_by_address: {
    max: 50,
    windowMs: hours,
    keyedBy: 'address',
    why: 'Each code dies after five wrong guesses; this counts over the codes of many.',
  },
  sign_up_by_address: {
    max: 20,
    windowMs: hours,
    keyedBy: 'address',
    why: 'Accounts made by a machine.',
  },
  reset_by_contact: {
    max: 5,
    windowMs: hours,
    keyedBy: 'contact',
    why: 'Reset messages nobody asked for. The page answers the same when it is reached.',
  },
  wait_by_address: {
    max: 10,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'Waiting instead of a proof of work, where no scripts run: challenges can wait side by side.',
  },
  authorize_by_address: {
    max: 600,
    windowMs: minutes,
    keyedBy: 'address',
    why: 'Each authorization request leaves an interaction behind; many people may share an address.',
  },
  strength_by_address: {
    max: 120,
    windowMs: minutes,
    keyedBy: 'address',
    why: 'The meter beside a new password: each look keeps the process busy for some hundredths of a second.',
  },
  token_failures_by_address: {
    max: 100,
    windowMs: minutes,
    keyedBy: 'address',
    why: 'Guesses at client secrets, codes and refresh tokens.',
  },
} as const satisfies Record<string, Limit>;

type LimitName = keyof typeof limits;

/** What to count: for everyone there is no key. An address may be given as it is, or as its bucket. `max`: by a setting. */
export type Take = {
  [Name in LimitName]: { readonly limit: Name; readonly max?: number } & KeyOf<
    (typeof limits)[Name]['keyedBy']
  >;
}[LimitName];

type KeyOf<By> = By extends 'everyone'
  ? { readonly key?: string }
  : By extends 'account and app'
    ? { readonly key: string; readonly app: string }
    : { readonly key: string };

export type LimitContext = Pick<Services, 'live' | 'metrics' | 'db' | 'clock' | 'seals' | 'log'>;
type Stores = Pick<Services, 'live' | 'db' | 'clock'>;
export type Limited = { ok: false; reason: 'limited'; retryAfterSeconds: number };

/**
 * Counts one in each limit, in the order given, or in none when one of them is over. Put the narrow ones first: who is refused by
 * the limit of an account or an address uses up nothing of what everybody shares, not even for a moment. Were the refused
 * counted, sixty who press at once with the right password would have used up for good what they give back.
 *
 * Where only failures count, take BEFORE trying and give back after a success (`giveBack`): exactly `max` tries get
 * through however many race. Amount 0 only looks, so racing requests all see room: it is for showing a page.
 */
export async function takeFromLimits(
  ctx: LimitContext,
  takes: readonly Take[],
  amount: 0 | 1 = 1,
): Promise<{ ok: true } | Limited> {
  const counted = takes.filter(isCounted);
  for (const [place, take] of counted.entries()) {
    const { max, windowMs } = { ...limits[take.limit], ...(take.max !== undefined && { max: take.max }) };
    const { count, resetMs, over } = await countIn(ctx, take, { max, windowMs, amount });
    // Looking asks whether one more would fit.
    if (amount === 0 ? count < max : !over) continue;
    ctx.metrics.limitsHit.inc({ limit: take.limit });
    // The first of a window is recorded; those after it would be a way to fill the record.
    const hits =
      amount === 0 ? undefined : await ctx.live.count(`${counterOf(take)}:hits`, resetMs || windowMs, 1);
    if (hits?.count === 1) await recordEvent(ctx, { type: 'limit.hit', detail: hitBy(take) });
    if (amount > 0) await giveBack(ctx, counted.slice(0, place));
    return { ok: false, reason: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) };
  }
  return done;
}

async function countIn(
  ctx: Stores,
  take: Take,
  { max, windowMs, amount }: { max: number; windowMs: number; amount: 0 | 1 },
) {
  const kept = keptIn(take);
  if (!kept) return await ctx.live.count(counterOf(take), windowMs, amount, max);
  return amount === 0 ? await lookAtKept(ctx, kept) : await takeKept(ctx, kept, { max, windowMs });
}

/** Where it is counted in the records, if it is. */
function keptIn(take: Take): Kept | undefined {
  const { kept }: Limit = limits[take.limit];
  if (!kept || take.key === undefined) return undefined;
  return { accountId: take.key, name: take.limit, app: 'app' in take ? take.app : '' };
}

/** Whose address it was; never whose mailbox. */
function hitBy({ limit, key = '' }: Take): { limit: string; address?: string } {
  const { keyedBy } = limits[limit];
  return keyedBy === 'address' || keyedBy === 'network'
    ? { limit, address: bucketOf(keyedBy, key) }
    : { limit };
}

/** Takes back what `takeFromLimits` counted, when it turned out not to be a failure. Only after it said yes. */
export async function giveBack(ctx: Stores, takes: readonly Take[]): Promise<void> {
  const counted = takes.filter(isCounted);
  await Promise.all(counted.map((take) => giveOneBack(ctx, take)));
}

async function giveOneBack(ctx: Stores, take: Take): Promise<void> {
  const kept = keptIn(take);
  if (kept) await giveKeptBack(ctx, kept);
  else await ctx.live.count(counterOf(take), limits[take.limit].windowMs, -1);
}

/**
 * Tries what was counted, and gives back when it came to no verdict: a store that is down or a queue that is full. The
 * person comes again as the error page asks, and must not run into a limit by it; a guess that was not looked at is none.
 * Who gives back before the end of it does so by `back`, which does it once.
 */
export async function orGiveBack<Result>(
  services: Stores,
  takes: readonly Take[],
  attempt: (back: () => Promise<void>) => Promise<Result>,
): Promise<Result> {
  let given: Promise<void> | undefined;
  const back = () => {
    given ??= giveBack(services, takes);
    return given;
  };
  try {
    return await attempt(back);
  } catch (error) {
    // If the count cannot be reached either, it stays: what is to be told is the first trouble.
    await back().catch(() => undefined);
    throw error;
  }
}

/** A network that is one address is counted as that, which has the narrower limit. */
function isCounted({ limit, key = '' }: Take): boolean {
  return limits[limit].keyedBy !== 'network' || networkBucket(key) !== addressBucket(key);
}

/** Hashed: keys are addresses of people, of any length, and may carry the braces that part a live key. */
function counterOf({ limit, key = '', ...more }: Take): LiveKey {
  const counted = bucketOf(limits[limit].keyedBy, 'app' in more ? `${more.app} ${key}` : key);
  return `{limit.${limit}.${digest(counted).slice(0, 22)}}:count`;
}

function bucketOf(keyedBy: Limit['keyedBy'], key: string): string {
  if (keyedBy === 'everyone') return keyedBy;
  if (keyedBy === 'address') return addressBucket(key);
  return keyedBy === 'network' ? networkBucket(key) : key;
}
