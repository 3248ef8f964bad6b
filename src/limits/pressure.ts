import { hours, minutes, seconds } from '../kit/durations.ts';
import { digest } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import { addressBucket, networkBucket } from './address-bucket.ts';

/**
 * When a page asks for a proof of work (challenge.ts): counted is what went wrong or cost something at its door, after it
 * did. Not what is under way: an office of a hundred people who all sign in at nine is no pressure.
 */
export type Door = 'sign_in' | 'sign_up' | 'forgot';
type Pressure = { counts: string; windowMs: number; address: number; network: number; everyone: number };

export const pressures: Record<Door, Pressure> = {
  sign_in: { counts: 'wrong passwords', windowMs: 15 * minutes, address: 10, network: 50, everyone: 1500 },
  sign_up: { counts: 'forms to sign up', windowMs: 1 * hours, address: 5, network: 20, everyone: 500 },
  forgot: {
    counts: 'forms to reset a password',
    windowMs: 1 * hours,
    address: 5,
    network: 20,
    everyone: 500,
  },
};

/** Counts one at this door. */
export async function notePressure(
  { live }: Pick<Services, 'live'>,
  { door, ip }: { door: Door; ip: string },
): Promise<void> {
  const { windowMs } = pressures[door];
  const counters = [...sendersOf(door, ip), everyoneAt(door)];
  await Promise.all(counters.map(({ key }) => live.count(key, windowMs, 1)));
}

/** Whether this sender, its network or everybody tries so much here that it has to cost something. */
export async function isUnderPressure(
  ctx: Pick<Services, 'live' | 'settings' | 'clock'>,
  { door, ip }: { door: Door; ip: string },
): Promise<boolean> {
  if (ctx.settings.CHALLENGE_BITS === 0) return false;
  const { windowMs } = pressures[door];
  const senders = sendersOf(door, ip).map(
    async ({ key, from }) => (await ctx.live.count(key, windowMs, 0)).count >= from,
  );
  return (await Promise.all([...senders, pressureOfEveryone(ctx, door)])).some(Boolean);
}

type Known = { pressed: boolean; at: number };
const known = new WeakMap<Services['live'], Map<Door, Known>>();
const knownFor = 1 * seconds;

/** What all together do is asked once a second, not by each who looks at a page. */
async function pressureOfEveryone(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  door: Door,
): Promise<boolean> {
  const doors = known.get(live) ?? new Map<Door, Known>();
  known.set(live, doors);
  const lately = doors.get(door);
  if (lately && Math.abs(clock.now() - lately.at) < knownFor) return lately.pressed;
  const { key, from } = everyoneAt(door);
  const pressed = (await live.count(key, pressures[door].windowMs, 0)).count >= from;
  doors.set(door, { pressed, at: clock.now() });
  return pressed;
}

type Counter = { key: LiveKey; from: number };

function sendersOf(door: Door, ip: string): Counter[] {
  const [address, network] = [addressBucket(ip), networkBucket(ip)];
  const own = { key: keyOf(door, address), from: pressures[door].address };
  // A network that is one address is counted as that.
  return network === address ? [own] : [own, { key: keyOf(door, network), from: pressures[door].network }];
}

function everyoneAt(door: Door): Counter {
  return { key: `{pressure.${door}.everyone}:count`, from: pressures[door].everyone };
}

function keyOf(door: Door, by: string): LiveKey {
  return `{pressure.${door}.${digest(by).slice(0, 22)}}:count`;
}
