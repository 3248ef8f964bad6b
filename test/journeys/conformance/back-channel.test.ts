import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { endAllAccess } from '../../../src/actions/end-all-access.ts';
import { suspendAccount } from '../../../src/actions/suspend-account.ts';
import { listEvents } from '../../../src/audit/list.ts';
import { hours, minutes, seconds } from '../../../src/kit/durations.ts';
import { type AppServer, listenForApp } from '../../support/app-server.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { headerOf, isSignedBy, type Jwks, payloadOf } from '../../support/signatures.ts';
import { until } from '../../support/timing.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** What the plan "Back-Channel Logout" looks at, and what must hold when apps are slow or away (engine facts 13). */
let world: World;
let server: AppServer;
let folder: string;
let app: RelyingParty;
let account: TestAccount;
let answers: number | 'silence';
const heard: string[] = [];
beforeAll(async () => {
  server = await listenForApp();
  server.serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    heard.push(String(new URLSearchParams(Buffer.concat(chunks).toString()).get('logout_token')));
    if (answers !== 'silence') response.writeHead(answers).end();
  });
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-notices-'));
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on', DATA_DIR: folder });
  app = await openRelyingParty(world, {
    backchannel_logout_uri: `${server.origin}/bcl`,
    backchannel_logout_session_required: true,
  });
  account = await world.account();
});
afterAll(async () => {
  await world.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  heard.length = 0;
  answers = 200;
});

async function signedIn(person = world.person()) {
  const tokens = await app.signsIn(person, account);
  return { person, idToken: String(tokens.id_token), sid: payloadOf(String(tokens.id_token))['sid'] };
}

async function signsOut(person: Person, hint: string): Promise<void> {
  await person.goes(`${app.endpoint('end_session')}?id_token_hint=${hint}`);
  await person.submits({ logout: 'yes' });
}

const waiting = () => world.services.db.selectFrom('logout_notices').selectAll().execute();

describe('apps hear that a session ended', () => {
  it('oidcc-backchannel-rp-initiated-logout: by a token that is right in everything', async () => {
    const { json } = await send(`${world.issuer}/.well-known/openid-configuration`);
    expect(json).toMatchObject({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
    const { person, idToken, sid } = await signedIn();
    expect(sid).toEqual(expect.any(String));
    await signsOut(person, idToken);
    await until(() => heard.length > 0);
    const [token = ''] = heard;
    expect(headerOf(token).typ).toBe('logout+jwt');
    expect(isSignedBy(token, (await send(`${world.issuer}/jwks`)).json as Jwks)).toBe(true);
    const claims = payloadOf(token);
    expect(claims).toEqual({
      iss: world.issuer,
      aud: app.clientId,
      sub: payloadOf(idToken)['sub'],
      sid,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(120);
    await until(async () => (await waiting()).length === 0);
    expect(heard.length).toBe(1);
    // And it is good for nothing else (DC-17).
    const next = (await signedIn()).person;
    await next.goes(app.asks({ prompt: 'none', id_token_hint: token }).url);
    expect(next.left?.searchParams.get('error')).toBe('invalid_request');
    await next.goes(`${app.endpoint('end_session')}?id_token_hint=${token}`);
    expect([next.status, next.errorCode]).toEqual([400, 'invalid_request']);
    expect((await app.posts('introspection', { token })).json).toEqual({ active: false });
  });

  it.each([
    ['everywhere', async () => void (await endAllAccess(world.services, { accountId: account.accountId }))],
    [
      'on the account pages',
      async (person: Person) => {
        await person.goes(`${world.issuer}/account`);
        await person.presses('Sign out');
      },
    ],
    [
      'when somebody else signs in on this browser',
      async (person: Person) => {
        const other = await world.account();
        await person.goes(app.asks({ prompt: 'login' }).url);
        await person.signsIn(other);
      },
    ],
  ])('when it is ended %s', async (_, ends) => {
    const { person, sid } = await signedIn();
    await ends(person);
    await until(() => heard.some((token) => payloadOf(token)['sid'] === sid));
  });

  it('when the account is suspended, and only for the sessions that there are', async () => {
    const own = account;
    account = await world.account();
    const both = [await signedIn(), await signedIn()];
    await suspendAccount(world.services, { accountId: account.accountId, reason: 'test' });
    await until(() => heard.length >= 2);
    expect(heard.map((token) => payloadOf(token)['sid']).sort()).toEqual(both.map(({ sid }) => sid).sort());
    account = own;
  });

  it('tells one app alone when the person stays signed in here', async () => {
    const { person, idToken, sid } = await signedIn();
    await person.goes(`${app.endpoint('end_session')}?id_token_hint=${idToken}`);
    await person.presses('Stay signed in');
    await until(() => heard.length > 0);
    expect(payloadOf(String(heard[0]))['sid']).toBe(sid);
    await person.goes(`${world.issuer}/account`);
    expect(person.heading).not.toBe('Sign in');
  });
});

describe('an app that does not answer', () => {
  it('holds nobody up, is told again when it is back, by whichever process is there', async () => {
    answers = 'silence';
    const { person, idToken, sid } = await signedIn();
    await signsOut(person, idToken);
    expect(person.heading).toBe('You are signed out');
    // Its time is up, and the next attempt stands in the records: sooner than while it was under way, and later than that
    // the next time, when it has waited for longer.
    const attempted = (times: number, isPut: (inMs: number) => boolean) =>
      until(async () =>
        (await waiting()).some(
          ({ attempts, next_attempt_at }) => attempts === times && isPut(next_attempt_at - Date.now()),
        ),
      );
    await attempted(1, (inMs) => inMs < 10 * seconds);
    answers = 503;
    world.advance(10 * minutes);
    await attempted(2, (inMs) => inMs > 1 * minutes);
    expect(heard.length).toBe(2);
    answers = 200;
    world.advance(10 * minutes);
    await until(async () => (await waiting()).length === 0);
    expect(payloadOf(String(heard.at(-1)))['sid']).toBe(sid);
    // A token made for an attempt is good for that attempt only.
    expect(new Set(heard.map((token) => payloadOf(token)['jti'])).size).toBe(heard.length);
  });

  it('is given up after a day, which is recorded', async () => {
    answers = 500;
    const { person, idToken } = await signedIn();
    await signsOut(person, idToken);
    await until(() => heard.length > 0);
    world.advance(25 * hours);
    await until(async () => (await waiting()).length === 0);
    const [event] = await listEvents(world.services, { types: ['logout.undelivered'], limit: 5 });
    expect(event).toMatchObject({ clientId: app.clientId, accountId: account.accountId });
  });

  it('that never asked to hear of it is told nothing, and has no name for the session', async () => {
    const quiet = await openRelyingParty(world);
    const person = world.person();
    const tokens = await quiet.signsIn(person, account);
    expect(payloadOf(String(tokens.id_token))).not.toHaveProperty('sid');
    await signsOut(person, String(tokens.id_token));
    expect(await waiting()).toEqual([]);
  });
});

describe('what was noted and not sent', () => {
  it('is sent by the next process, after whatever became of this one', async () => {
    const { sid } = await signedIn();
    answers = 503;
    await endAllAccess(world.services, { accountId: account.accountId });
    await until(async () => (await waiting()).some(({ attempts }) => attempts > 0) && heard.length > 0);
    await until(async () =>
      (await waiting()).some(({ next_attempt_at }) => next_attempt_at < Date.now() + 20_000),
    );
    const { environment } = world;
    await world.close();
    heard.length = 0;
    answers = 200;
    const next = await openWorld(environment);
    // The time that this file moved ended with the world that moved it.
    next.advance(72 * hours);
    await until(() => heard.some((token) => payloadOf(token)['sid'] === sid));
    world = next;
  });
});
