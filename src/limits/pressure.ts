import { hours, minutes } from '../kit/durations.ts';
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
  await Promise.all(countersOf(door, ip).map(({ key }) => live.count(key, windowMs, 1)));
}

/** Whether this sender, its network or everybody tries so much here that it has to cost something. */
export async function isUnderPressure(
  { live, settings }: Pick<Services, 'live' | 'settings'>,
  { door, ip }: { door: Door; ip: string },
): Promise<boolean> {
  if (settings.CHALLENGE_BITS === 0) return false;
  const { windowMs } = pressures[door];
  const pressed = await Promise.all(
    countersOf(door, ip).map(async ({ key, from }) => (await live.count(key, windowMs, 0)).count >= from),
  );
  return pressed.some(Boolean);
}

function countersOf(door: Door, ip: string): { key: LiveKey; from: number }[] {
  const { address, network, everyone } = pressures[door];
  const key = (by: string) => `{pressure.${door}.${digest(by).slice(0, 22)}}:count` as const;
  return [
    { key: key(addressBucket(ip)), from: address },
    { key: key(`network ${networkBucket(ip)}`), from: network },
    { key: key('everyone'), from: everyone },
  ];
}
