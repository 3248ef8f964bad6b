import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CompatApp, openCompatApp } from '../compat/compat-app.ts';
import { type KeepingServers, keepingTimeoutMs, startKeepingServers } from '../support/keeping-servers.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { TestServer } from '../support/servers.mjs';
import { timed, untilWorks } from '../support/timing.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * The whole server while a store is gone or stands still (misuse cases ST-01, ST-07; reliability F1, F2, F9): every kind
 * of request is answered within about STORE_TIMEOUT_MS, with 503 where the store is needed, and nothing has to be restarted.
 */
let servers: KeepingServers;
let redis: TestServer;
let postgres: TestServer;
let world: World;
let app: RelyingParty;
let ana: TestAccount;
let person: Person;
let inTheMiddle: Person;
let accessToken = '';
let shop: CompatApp;
let kept: { access_token: string; refresh_token: string };
let pairForm: Record<string, string>;

beforeAll(async () => {
  servers = await startKeepingServers();
  ({ redis, postgres } = servers);
  world = await openWorld(servers.environment);
  app = await openRelyingParty(world, {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  ana = await world.account();
  person = world.person();
  const tokens = await app.signsIn(person, ana, { scope: 'openid offline_access', prompt: 'consent' });
  accessToken = tokens.access_token;
  inTheMiddle = await world.person().goes(app.asks().url);
  const deviceFlow = 'urn:ietf:params:oauth:grant-type:device_code';
  shop = await openCompatApp(world, { grant_types: ['authorization_code', 'refresh_token', deviceFlow] });
  kept = await shop.signsIn(world.person(), await world.account());
  pairForm = { response_type: 'device_code', scope: 'profile', client_id: shop.clientId };
});
afterAll(async () => {
  await world?.close();
  await servers?.stop();
});

type Kind = { ask(): Promise<Answer>; json?: boolean };

function page(who: Person, url: string | URL, body?: URLSearchParams): Promise<Answer> {
  return send(url, {
    ...(body ? { body } : {}),
    headers: {
      accept: 'text/html',
      cookie: who.cookieHeader(String(url)),
      'x-forwarded-for': newAddress(),
      'sec-fetch-site': 'same-origin',
    },
  });
}

/** One of every kind of request, as they are when all is well. */
function kinds(): Record<string, Kind> {
  const { issuer } = world;
  const form = (given: Record<string, string>) => new URLSearchParams(given);
  const password = form({ identifier: ana.identifier, password: 'not it at all' });
  return {
    'the sign-in page': { ask: () => page(inTheMiddle, inTheMiddle.url) },
    'a password': { ask: () => page(inTheMiddle, `${inTheMiddle.url}/password`, password) },
    'a sign-up page': { ask: () => page(inTheMiddle, `${inTheMiddle.url}/sign-up`) },
    'an authorization request': { ask: () => page(world.person(), app.asks().url) },
    'an authorization request of somebody signed in': { ask: () => page(person, app.asks().url) },
    'the account page': { ask: () => page(person, `${issuer}/account`) },
    'the sessions page': { ask: () => page(person, `${issuer}/account/sessions`) },
    'signing out': { ask: () => page(person, `${issuer}/logout`) },
    'a code': { ask: () => app.redeems('a'.repeat(43), { verifier: 'b'.repeat(43) }), json: true },
    'a refresh token': { ask: () => app.refreshes('a'.repeat(43)), json: true },
    'a token for the app': {
      ask: () => app.posts('token', { grant_type: 'client_credentials' }),
      json: true,
    },
    'an introspection': { ask: () => app.posts('introspection', { token: accessToken }), json: true },
    'a revocation': { ask: () => app.posts('revocation', { token: 'a'.repeat(43) }), json: true },
    'a pushed request': {
      ask: () => app.posts('pushed_authorization_request', app.asks().url.searchParams),
      json: true,
    },
    userinfo: { ask: () => app.userinfo(accessToken), json: true },
    'a profile': { ask: () => shop.profile(kept.access_token), json: true },
    'a refresh token that never changes': { ask: () => shop.refreshes(kept.refresh_token), json: true },
    'a code pair': { ask: () => shop.posts('/auth/o2/create/codepair', pairForm), json: true },
    discovery: { ask: () => send(`${issuer}/.well-known/openid-configuration`) },
    'the keys': { ask: () => send(`${issuer}/jwks`) },
    'a page that is not there': { ask: () => send(`${issuer}/nothing`) },
    healthz: { ask: () => send(`${issuer}/healthz`) },
    readyz: { ask: () => send(`${issuer}/readyz`), json: true },
  };
}

async function askAll() {
  const asked = Object.entries(kinds()).map(async ([what, { ask, json }]) => {
    const { value, ms, error } = await timed(ask);
    return { what, json: json ?? false, answer: value as Answer | undefined, ms, error };
  });
  return Promise.all(asked);
}

/** What needs neither store answers as ever; the health page says what is wrong; the rest asks to come again. */
const answersAnyway = new Set(['discovery', 'the keys', 'a page that is not there', 'healthz']);

function faultsDuringOutage(asked: Awaited<ReturnType<typeof askAll>>): string[] {
  return asked.flatMap(({ what, answer, ms, json, error }) => {
    const said = `${what}: ${answer?.status ?? error} after ${Math.round(ms)} ms`;
    const faults: string[] = [];
    if (ms > mostMs) faults.push(`${said}: too late`);
    if (answersAnyway.has(what)) return (answer?.status ?? 500) < 500 ? faults : [...faults, said];
    if (answer?.status !== 503) return [...faults, said];
    if (!(Number(answer.headers['retry-after']) > 0)) faults.push(`${said}: no Retry-After`);
    if (answer.headers['cache-control'] !== 'no-store') faults.push(`${said}: may be kept`);
    const type = answer.headers['content-type'] ?? '';
    if (json && what !== 'readyz' && answer.json['error'] !== 'temporarily_unavailable')
      faults.push(`${said}: ${type}`);
    if (!json && !answer.text.includes('name="latchkey-error"')) faults.push(`${said}: no problem page`);
    return faults;
  });
}

// So much is promised; what is above it is this machine doing twenty things at once.
const mostMs = keepingTimeoutMs + 400;

/** PostgreSQL is a process for each connection: all of them have to stand still. */
function signalPostgres(signal: 'SIGSTOP' | 'SIGCONT'): void {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(postgres.pid)])
    .toString()
    .split('\n');
  for (const pid of [postgres.pid, ...children.map(Number).filter(Boolean)]) process.kill(pid, signal);
}

type Outage = { begin(): Promise<void>; end(): Promise<void>; deaf?: true };
const outages: Record<string, Outage> = {
  'Redis is gone': { begin: () => redis.kill(), end: () => redis.restart() },
  'Redis stands still': {
    begin: async () => void process.kill(redis.pid, 'SIGSTOP'),
    end: async () => void process.kill(redis.pid, 'SIGCONT'),
  },
  'PostgreSQL is gone': { begin: () => postgres.kill(), end: () => postgres.restart(), deaf: true },
  'PostgreSQL stands still': {
    begin: async () => signalPostgres('SIGSTOP'),
    end: async () => signalPostgres('SIGCONT'),
    deaf: true,
  },
};

async function isReady(): Promise<void> {
  const { status, text } = await send(`${world.issuer}/readyz`);
  if (status !== 200) throw new Error(text);
}

/** The copies of apps and accounts in the process are good until it knows that it hears of no changes (kept-records.ts). */
async function untilDeaf(before: readonly string[]): Promise<void> {
  const asked = await askAll();
  const asIfNothing = asked.filter(({ what, answer }) => before.includes(`${what}: ${answer?.status}`));
  expect(faultsDuringOutage(asked.filter((one) => !asIfNothing.includes(one)))).toEqual([]);
  await untilWorks(5000, async () => expect(world.services.changes.heard).toBe(false));
}

describe.each(Object.entries(outages))('while %s', (_what, { begin, end, deaf }) => {
  it('everything is answered soon, what needs the store with 503, and all is as before when it is back', async () => {
    const before = (await askAll()).map(({ what, answer }) => `${what}: ${answer?.status}`);
    expect(before.filter((line) => / 5\d\d/.test(line))).toEqual([]);

    // What was taken before the outage: a code, a refresh token, a code that was never used.
    const spent = await app.getsCode(person, ana, { scope: 'openid offline_access', prompt: 'consent' });
    const tokens = (await app.redeems(spent.code, spent.attempt)).json;
    const rotated = (await app.refreshes(String(tokens['refresh_token']))).json;
    expect(rotated).toHaveProperty('refresh_token');
    const unspent = await app.getsCode(person, ana);

    await begin();
    try {
      if (deaf) await untilDeaf(before);
      for (let times = 0; times < 3; times += 1) expect(faultsDuringOutage(await askAll())).toEqual([]);
      expect((await app.redeems(unspent.code, unspent.attempt)).status).toBe(503);
    } finally {
      await end();
    }

    const { ms } = await untilWorks(5000, isReady);
    expect(ms).toBeLessThan(5000);
    // Ready says that one connection works; another one of the pool may learn only now that its server went away.
    await untilWorks(3000, async () =>
      expect((await askAll()).map(({ what, answer }) => `${what}: ${answer?.status}`)).toEqual(before),
    );
    // The code that was answered with 503 was not spent by it.
    expect((await app.redeems(unspent.code, unspent.attempt)).status).toBe(200);
    // What was spent stays spent, and what was given stays good until the thief's alarm of the line after.
    expect((await app.refreshes(String(rotated['refresh_token']))).status).toBe(200);
    expect((await app.redeems(spent.code, spent.attempt)).json).toMatchObject({ error: 'invalid_grant' });
    // A new sign-in works from beginning to end: of somebody at whose password nobody guessed, as the requests above do.
    expect(await app.signsIn(world.person(), await world.account())).toHaveProperty('id_token');
  });
});

describe('while PostgreSQL is gone, with Redis counting', () => {
  it('nobody uses up their tries by coming again as the page asks', async () => {
    const secret = 'KRUGS4ZANFZSAYJAON2HE2LOM4QGC3TE';
    const bea = await world.account({ totpSecret: secret });
    const atPassword = await world.person().goes(app.asks().url);
    const atCode = await world.person().goes(app.asks().url);
    await atCode.submits({ identifier: bea.identifier, password: bea.password });
    const atForgot = await world.person().goes(app.asks().url);
    await atForgot.goes(`${atForgot.url}/forgot`);
    const code = await world.freshCode(secret);
    const posts: [Person, string, Record<string, string>][] = [
      [atPassword, `${atPassword.url}/password`, { identifier: bea.identifier, password: bea.password }],
      [atCode, `${atCode.url}/second-step`, { code }],
      [atForgot, atForgot.url, { identifier: bea.identifier }],
    ];

    // A code is good for a minute, however long a busy machine takes to bring a database back.
    await world.still(async () => {
      await postgres.kill();
      try {
        for (const [who, url, fields] of posts)
          for (let times = 0; times < 12; times += 1)
            expect((await page(who, url, new URLSearchParams(fields))).status).toBe(503);
      } finally {
        await postgres.restart();
      }
      await untilWorks(5000, isReady);
      // The code was looked at by nobody, so it is still good.
      await atCode.submits({ code });
    });
    await atCode.decides('allow');
    expect(atCode.left?.searchParams.get('code')).toBeTruthy();
    await atPassword.submits({ identifier: bea.identifier, password: bea.password });
    expect(atPassword.heading).toBe('Two-step verification');
    await atForgot.submits({ identifier: bea.identifier });
    expect(await world.codeSentTo(bea.identifier)).toMatch(/^\d{6}$/);
  });
});
