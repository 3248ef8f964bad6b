import { decodeJwt, decodeProtectedHeader } from 'jose';
import { grantIdLength, layout } from '../../src/oidc/live-layout.ts';
import { readGrant, readToken, type TokenLetter } from '../../src/oidc/record-forms.ts';
import type { Form } from './two-ways.ts';
import type { World } from './world.ts';

/** What is new each time, whoever makes it. */
const random = new Set(['grantId', 'sessionUid', 'sid', 'nonce', 'codeChallenge']);
/** Epoch seconds. */
const times = new Set(['iat', 'exp', 'iiat', 'authTime', 'auth_time', 'loginTs']);

/** Without what is random, and with times counted from `since`. */
function steady(members: object, since: number): [string, unknown][] {
  return Object.entries(members).map(([name, value]) => {
    if (random.has(name)) return [name, `${String(value).length} characters`];
    return [name, times.has(name) ? Number(value) - since : value];
  });
}

const byName = (members: [string, unknown][]) => Object.fromEntries(members);

/** All that the store has of what a request presented and of what it was given, in a form that can be compared. */
export async function storedTokens(
  { services: { live } }: World,
  { form, given, since }: { form: Form; given: Record<string, unknown>; since: number },
): Promise<object> {
  const tokens: [string, TokenLetter, unknown][] = [
    ['code', 'c', form['code']],
    ['presented', 'r', form['refresh_token']],
    ['access', 'a', given['access_token']],
    ['refresh', 'r', given['refresh_token']],
  ];
  const read = tokens.map(async ([name, letter, token]) => [name, await stored(letter, String(token))]);
  return Object.fromEntries(await Promise.all(read));

  async function stored(letter: TokenLetter, token: string): Promise<unknown> {
    const place = layout.underGrant(letter, token);
    if (!place) return 'no token';
    const grantId = token.slice(0, grantIdLength);
    const [under, entry] = await live.read([layout.grant(grantId), place.key]);
    const grant = under && readGrant(under.value);
    const payload = grant && entry && readToken(entry.value, { letter, grantId, grant });
    return {
      grant: grant && byName(steady(grant, since)),
      record: payload && byName(steady(payload, since)),
      spent: entry?.consumedBy !== undefined,
    };
  }
}

/** Header and claims, also in which order they stand. */
export function shownIdToken(idToken: unknown, since: number): object | undefined {
  if (typeof idToken !== 'string') return undefined;
  const { kid, ...header } = decodeProtectedHeader(idToken);
  return { header: Object.entries({ ...header, kid }), claims: steady(decodeJwt(idToken), since) };
}
