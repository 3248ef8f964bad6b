import { layout } from '../../src/oidc/live-layout.ts';
import { readGrant, readSession, readToken } from '../../src/oidc/record-forms.ts';
import type { RelyingParty } from './relying-party.ts';
import { type Answer, newAddress, send } from './wire.ts';
import type { TestAccount, World } from './world.ts';

/**
 * An authorization request by the direct way (src/oidc/direct/authorize.ts) and by the engine, which alone answers who
 * writes the path with a slash at its end. Each is made in a session of its own, so that neither sees what the other left.
 */
export type Way = 'direct' | 'engine';
export type Sessions = Record<Way, string>;

/** The Cookie headers of two browsers of one person, signed in, with all allowed that is asked for. */
export async function inTwoBrowsers(
  world: World,
  { app, account, scope = 'openid email' }: { app: RelyingParty; account: TestAccount; scope?: string },
): Promise<Sessions> {
  const signedIn = async () => {
    const person = world.person();
    await app.signsIn(person, account, { scope });
    return person.cookieHeader(`${world.issuer}/authorize`);
  };
  return { direct: await signedIn(), engine: await signedIn() };
}

export const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

/** As an app writes it; what is undefined is left out. */
export function queryOf(app: RelyingParty, changes: Record<string, string | undefined> = {}): string {
  const params = Object.entries({
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    response_type: 'code',
    scope: 'openid email',
    state: 'a state',
    nonce: 'a nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  });
  return new URLSearchParams(
    params.filter((pair): pair is [string, string] => !!pair[1] || pair[1] === ''),
  ).toString();
}

export type Asking = {
  query: string;
  cookies: Sessions;
  headers?: Record<string, string | undefined> | undefined;
  method?: string | undefined;
};

export async function askBothWays(world: World, asking: Asking): Promise<Record<Way, Answer>> {
  return { direct: await ask(world, 'direct', asking), engine: await ask(world, 'engine', asking) };
}

function ask(
  world: World,
  way: Way,
  { query, cookies, headers = {}, method = 'GET' }: Asking,
): Promise<Answer> {
  const path = way === 'direct' ? '/authorize' : '/authorize/';
  // From an address of its own, so that no limit is reached.
  const from = { 'x-forwarded-for': newAddress(), 'user-agent': 'a browser', cookie: cookies[way] };
  return send(`${world.issuer}${path}?${query}`, { method, headers: { ...from, ...headers } });
}

/** By the order of headers, which means nothing: the engine says where to go after all that stands in every answer. */
export function wentDirect({ headers }: Answer): boolean {
  return Object.keys(headers)[0] === 'location';
}

/** What must not depend on the way: all but what is of one answer only. */
export function comparable({ status, headers, text }: Answer): object {
  const { date: _date, 'content-length': length, ...others } = headers;
  const kept = Object.entries(others).map(([name, value]) => [name, steady(String(value))]);
  return {
    status,
    headers: Object.fromEntries(kept),
    text: steady(text),
    redirect: status === 303 && length,
  };
}

function steady(text: string): string {
  return text
    .replace(/nonce(-|=")[\w-]{22}/g, 'nonce$1*')
    .replace(/[\w-]{65}(?![\w-])/g, 'a code')
    .replace(/[\w-]{43}(?![\w-])/g, 'a secret')
    .replace(/\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/g, 'a reference')
    .replace(/expires=[^;,]+,[^;,]+/g, 'expires=a time');
}

export function codeIn({ headers }: Answer): string | undefined {
  return new URL(headers.location ?? '', 'http://here.invalid').searchParams.get('code') ?? undefined;
}

/** The code and the session as they are kept, without ids and times, and how many seconds each was to live then. */
export async function kept(world: World, answer: Answer, cookie: string) {
  const { live } = world.services;
  const place = layout.underGrant('c', codeIn(answer) ?? '');
  const uid = /session=([\w-]{43})\./.exec(cookie)?.[1] ?? '';
  if (!place) throw new Error(`no code in ${answer.status} ${answer.headers.location}`);
  const { grantId, key } = place;
  const [grant, code] = await live.read([layout.grant(grantId), key]);
  const [stored] = await live.read([layout.session(uid)]);
  if (!grant || !code || !stored) throw new Error('there is a code, and it was not kept');
  const token = readToken(code.value, { letter: 'c', grantId, grant: readGrant(grant.value) });
  const session = readSession(stored.value, uid);
  return {
    records: [token, session].map((record) => withoutTimes(record, uid)),
    lasts: [
      Number(token.exp) - Number(token.iat),
      Number(session.exp) - Math.floor(Number(session.seen?.at) / 1000),
    ],
  };
}

const varying = new Set([
  ...['iat', 'exp', 'loginTs', 'authTime', 'at', 'startedAt'],
  ...['secret', 'ip', 'grantId', 'sid'],
]);

function withoutTimes(record: object, uid: string): object {
  const text = JSON.stringify(record, (name, value) => (varying.has(name) ? typeof value : value));
  return JSON.parse(text.replaceAll(uid, 'the session'));
}
