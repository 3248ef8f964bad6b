import { createHash } from 'node:crypto';
import { Person } from '../../test/support/person.ts';
import { benchPassword, offlineApp, personAddress } from '../bench/apps.ts';
import { authorizePath } from '../bench/members.ts';

/** The people of a run, what they hold, and what they know to be over: all that a recipe will be measured by. */
export type Member = {
  number: number;
  name: string;
  email: string;
  /** Where their requests come from. */
  address: string;
  /** The cookies of their browser, once they have signed in. */
  cookie: string;
  /** What the app knows them by: from their first ID token, and never another. */
  sub: string | undefined;
  /** Signs in anew each time, so that each of their grants has one chain of tokens. */
  walks: boolean;
};

/** A chain of refresh tokens at the app. Only one request uses it at a time, as in an honest app. */
export type Family = {
  member: Member;
  grant: string;
  refreshToken: string;
  accessToken: string;
  /** A refresh token that was exchanged for the next one, and when that was acknowledged. */
  spent: { token: string; at: number } | undefined;
  busy: boolean;
  state: 'live' | 'revoking' | 'revoked' | 'lost';
  /** When a use of the present token was last answered with anything but yes or no: it may have happened. */
  doubtSince: number | undefined;
};

export type Code = {
  member: Member;
  code: string;
  at: number;
  retried: boolean;
  /** Whoever shows it does not come again by themselves. */
  once?: boolean;
};
type EndedSession = { member: Member; cookie: string };

export type Crowd = {
  members: Member[];
  /** Who signs in with a password during the run, in turns. */
  walkers: Member[];
  families: Family[];
  codes: Code[];
  /** Codes that were exchanged; never to work again. */
  spentCodes: { member: Member; code: string; grant: string }[];
  ended: EndedSession[];
};

export const verifier = 'a-code-verifier-of-the-faults-that-is-as-long-as-they-usually-are';
const challenge = createHash('sha256').update(verifier).digest('base64url');
export const grantOf = (token: string) => token.slice(0, 22);

/** An authorization request of the app that asks for everything. */
export function askPath(more: Record<string, string> = {}): string {
  return authorizePath(offlineApp, { code_challenge: challenge, ...more });
}

/** An address on the internet that is nobody else's. */
export const addressOf = (number: number) =>
  `100.${64 + ((number >> 16) & 63)}.${(number >> 8) & 255}.${number & 255}`;

export function newMember(number: number, { walks }: { walks: boolean }): Member {
  return {
    number,
    name: `person${number}`,
    email: personAddress(number),
    address: addressOf(number),
    cookie: '',
    sub: undefined,
    walks,
  };
}

/** By the pages, as people do; answers the code that the app got. */
export async function signInByPages(
  { issuer, port }: { issuer: string; port: number },
  member: Member,
): Promise<string> {
  const person = new Person({
    reach: (origin) => (origin === issuer ? port : undefined),
    address: member.address,
  });
  await person.goes(`${issuer}${askPath()}`);
  await person.submits({ identifier: member.email, password: benchPassword });
  if (!person.left) await person.decides('allow');
  const code = person.left?.searchParams.get('code');
  if (!code) throw new Error(`${member.name} could not sign in: ${person.heading} ${person.alert ?? ''}`);
  member.cookie = person.cookieHeader(`${issuer}/authorize`);
  return code;
}
