import { hours, minutes } from '../kit/durations.ts';
import { done } from '../kit/outcome.ts';
import { digest } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import { addressBucket } from './address-bucket.ts';

export { addressBucket };

/**
 * How often something may be tried. This room owns the table and the counting, not what is tried nor what the page says.
 * Counters live in the live state: they are exact when requests race, shared by all processes, and outlive restarts.
 *
 * A limit on an account or a contact can be used up by anybody who knows its name, to keep its owner out for a while.
 * So those are short, they slow down and never lock, what already runs goes on (sessions, codes that were sent), and
 * an address runs into its own limit while it tries. Conversely a limit on an address alone does nothing against many
 * addresses; the ones on everyone catch that, and are wide enough not to be reached by honest traffic.
 */
type Limit = {
  max: number;
  windowMs: number;
  keyedBy: 'account' | 'address' | 'contact' | 'everyone';
  why: string;
};

export const limits = {
  password_by_account: {
    max: 10,
    windowMs: 15 * minutes,
    keyedBy: 'account',
    why: 'Guesses at one password: 960 a day at most (NIST SP 800-63B-4 section 3.2.2 asks for a limit).',
  },
  password_by_address: {
    max: 50,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'One guess at each of many accounts. Wide enough for an office behind one address.',
  },
  password_by_everyone: {
    max: 600,
    windowMs: minutes,
    keyedBy: 'everyone',
    why: 'Guesses from many addresses at many accounts. Also bounds what hashing may cost.',
  },
  second_step_by_account: {
    max: 10,
    windowMs: 15 * minutes,
    keyedBy: 'account',
    why: 'Guesses at six digits: RFC 4226 section 7.3 asks for a throttle, for the code alone is a million.',
  },
  second_step_by_address: {
    max: 50,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'One guess at the code of each of many accounts whose passwords are known.',
  },
  code_by_address: {
    max: 30,
    windowMs: hours,
    keyedBy: 'address',
    why: 'Messages sent to strangers at our cost and in our name.',
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
    why: 'The bill: text messages to many numbers from many addresses (SMS pumping).',
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

export type LimitName = keyof typeof limits;

/** What to count: for everyone there is no key. An address may be given as it is, or as its bucket. */
export type Take = {
  [Name in LimitName]: (typeof limits)[Name]['keyedBy'] extends 'everyone'
    ? { readonly limit: Name; readonly key?: string }
    : { readonly limit: Name; readonly key: string };
}[LimitName];

export type Limited = { ok: false; reason: 'limited'; retryAfterSeconds: number };

/**
 * Counts one in each limit, in the order given, and stops at the first that is over. Put the narrow ones first: who is
 * refused by the limit of an account or an address uses up nothing of what everybody shares.
 *
 * Where only failures count, take BEFORE trying and give back after a success (`giveBack`): exactly `max` tries get
 * through however many race. Amount 0 only looks, so racing requests all see room: it is for showing a page.
 */
export async function takeFromLimits(
  { live, metrics }: Pick<Services, 'live' | 'metrics'>,
  takes: readonly Take[],
  amount: 0 | 1 = 1,
): Promise<{ ok: true } | Limited> {
  for (const take of takes) {
    const { max, windowMs } = limits[take.limit];
    const { count, resetMs } = await live.count(counterOf(take), windowMs, amount);
    // Looking asks whether one more would fit.
    if (count + (amount === 0 ? 1 : 0) <= max) continue;
    metrics.limitsHit.inc({ limit: take.limit });
    return { ok: false, reason: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) };
  }
  return done;
}

/** Takes back what `takeFromLimits` counted, when it turned out not to be a failure. Only after it said yes. */
export async function giveBack({ live }: Pick<Services, 'live'>, takes: readonly Take[]): Promise<void> {
  await Promise.all(takes.map((take) => live.count(counterOf(take), limits[take.limit].windowMs, -1)));
}

/**
 * Tries what was counted, and gives back when it came to no verdict: a store that is down or a queue that is full. The
 * person comes again as the error page asks, and must not run into a limit by it; a guess that was not looked at is none.
 */
export async function orGiveBack<Result>(
  services: Pick<Services, 'live'>,
  takes: readonly Take[],
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    // If the count cannot be reached either, it stays: what is to be told is the first trouble.
    await giveBack(services, takes).catch(() => undefined);
    throw error;
  }
}

/**
 * Starts an account's count of failures anew after it was proved. Not for addresses: whoever has one account of their
 * own would sign in to it now and then and go on guessing at others.
 */
export async function forgetFailures(
  { live }: Pick<Services, 'live'>,
  take: { limit: 'password_by_account' | 'second_step_by_account'; key: string },
): Promise<void> {
  await live.count(counterOf(take), limits[take.limit].windowMs, -Number.MAX_SAFE_INTEGER);
}

/** Hashed: keys are addresses of people, of any length, and may carry the braces that part a live key. */
function counterOf({ limit, key = 'everyone' }: Take): LiveKey {
  const counted = limits[limit].keyedBy === 'address' ? addressBucket(key) : key;
  return `{limit.${limit}.${digest(counted).slice(0, 22)}}:count`;
}
