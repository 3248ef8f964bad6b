import { days, hours } from '../kit/durations.ts';
import { distanceKm, type Place } from '../web/address-places.ts';

/**
 * The unusual signs that a sign-in by password from an unknown browser is weighed by. Each is one row: what it looks for, and why
 * it is there; pages and the audit record know it by its name. Pure, so that the past can be tried again (risk.ts). Few, and
 * each can be said to the person in one sentence: what nobody can explain is not asked.
 */
export const riskSigns = [
  'new_country',
  'impossible_travel',
  'many_failures',
  'long_absence',
  'known_password',
] as const;
export type RiskSign = (typeof riskSigns)[number];

type SeenSignIn = { at: number; place: Place | undefined };
type Looked = {
  now: number;
  /** Where this sign-in comes from; undefined without a database, and for addresses that it does not know. */
  place: Place | undefined;
  /** Of the account, the newest first. */
  signIns: readonly SeenSignIn[];
  /** When sign-ins to the account were refused, the newest first. */
  failures: readonly number[];
  /** The password is on the list of those that attackers try first; of sign-ins that are over nobody knows. */
  passwordKnown?: boolean | undefined;
};

/** An airliner, with what it takes to get to it left out: nobody is asked wrongly who just landed. */
const fastestKmPerHour = 900;
/** Places are known by networks: a phone and a desk in one town may be said to be this far apart. */
const nearKm = 500;
export const manyFailures = 20;
const lately = 24 * hours;
/** What a browser is known for; who did not come for so long has none that is. */
const longAbsence = 180 * days;

export const riskRules: Record<RiskSign, { why: string; seen(looked: Looked): boolean }> = {
  new_country: {
    why: 'A country from which nobody signed in to the account before.',
    seen({ place, signIns }) {
      const before = signIns.flatMap((one) => one.place?.country ?? []);
      return place !== undefined && before.length > 0 && !before.includes(place.country);
    },
  },
  impossible_travel: {
    why: `Farther from the last sign-in than ${fastestKmPerHour} km/h would get anybody, and farther than ${nearKm} km.`,
    seen({ now, place, signIns }) {
      const last = signIns.find((one) => one.place?.at !== undefined);
      if (!place?.at || !last?.place?.at) return false;
      const distance = distanceKm(place.at, last.place.at);
      const hoursBetween = Math.max(0, now - last.at) / hours;
      return distance > nearKm && distance > fastestKmPerHour * hoursBetween;
    },
  },
  many_failures: {
    why: `${manyFailures} refused sign-ins within a day: somebody was guessing, and this may be the guess that was right.`,
    seen: ({ now, failures }) => failures.filter((at) => now - at < lately).length >= manyFailures,
  },
  long_absence: {
    why: 'Nobody signed in for half a year: passwords that leaked meanwhile are tried on accounts that nobody watches.',
    seen: ({ now, signIns }) => signIns[0] !== undefined && now - signIns[0].at > longAbsence,
  },
  known_password: {
    why: 'A password that attackers try first: whoever tries it on all accounts would now also choose the next one.',
    seen: ({ passwordKnown }) => passwordKnown === true,
  },
};

/** All that are seen; none for an account that nobody ever signed in to. */
export function signsIn(looked: Looked): RiskSign[] {
  return riskSigns.filter((sign) => riskRules[sign].seen(looked));
}
