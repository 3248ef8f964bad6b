import type { Person } from './person.ts';
import { atSecondStep, type Careful, signedInFully } from './second-steps.ts';
import type { World } from './world.ts';

/** Browsers that are trusted, and what becomes of their cookies elsewhere. */
export const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
export const newerFirefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0';
export const safari =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15';

export async function trusting(
  world: World,
  account: Careful,
  person = world.person({ userAgent: firefox }),
): Promise<Person> {
  await signedInFully(world, account, { person, trust: true });
  if (person.path !== '/account') throw new Error(`at ${person.url}`);
  return person;
}

/** Another browser with the cookies of trusted devices that this one has, and no session. */
export async function withDevicesOf(world: World, person: Person, userAgent = firefox): Promise<Person> {
  const other = world.person({ userAgent });
  for (const pair of devicesIn(world, person)) await other.cookies.setCookie(pair, world.issuer);
  return other;
}

export function devicesIn(world: World, person: Person): string[] {
  return person
    .cookieHeader(world.issuer)
    .split('; ')
    .filter((pair) => pair.startsWith('device.'));
}

/** What a sign-in with the password leads to. */
export async function afterPassword(world: World, person: Person, account: Careful): Promise<string> {
  await atSecondStep(world, account, person);
  return person.heading === 'Two-step verification' ? 'asked' : 'skipped';
}
