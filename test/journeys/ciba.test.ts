import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { disableClient } from '../../src/actions/disable-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { listConsents } from '../../src/consents/consent.ts';
import { listAsked } from '../../src/oidc/cross-device/asked.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { ask, atRequest, looks, poll, till, waiting } from '../support/tills.ts';
import { until } from '../support/timing.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let ear: Server;
const heard: { authorization: string | undefined; body: string }[] = [];
let deaf = 0;
let said = 500;
beforeAll(async () => {
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
  ear = createServer((req, res) => {
    let body = '';
    req.on('data', (piece) => {
      body += piece;
    });
    req.on('end', () => {
      deaf -= 1;
      if (deaf < 0) heard.push({ authorization: req.headers.authorization, body });
      res.writeHead(deaf < 0 ? 204 : said, { location: '/elsewhere' }).end();
    });
  }).listen(0, '127.0.0.1');
});
afterAll(async () => {
  ear.close();
  await world.close();
});

/** An app that is told at the ear. */
function openHearing(): Promise<RelyingParty> {
  const { port } = ear.address() as AddressInfo;
  return openRelyingParty(world, {
    ...till,
    backchannel_token_delivery_mode: 'ping',
    backchannel_client_notification_endpoint: `http://127.0.0.1:${port}/told`,
  });
}

const later = (seconds: number) => world.advance(seconds * 1000);

describe('an app that asks a person by name (CIBA)', () => {
  it('gets tokens once the person has compared the text and allowed it in their account', async () => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const asked = await ask(app, { login_hint: account.identifier });
    expect(asked).toMatchObject({ status: 200, expires_in: 300 });
    expect((await poll(app, asked)).error).toBe('authorization_pending');
    expect((await poll(app, asked)).error).toBe('slow_down');
    const person = await atRequest(world, app, account);
    expect(person.heading).toBe(`${app.name} asks for your confirmation`);
    expect(person.text).toContain('W4SCT');
    expect(person.text).toMatch(/Asked from 198\.51\.\d+\.\d+ Asked /);
    const [message] = await world.outbox();
    expect(message).toMatchObject({ to: account.identifier, links: [`${world.issuer}/account/requests`] });
    await person.decides('allow');
    expect(person.text).toContain('Allowed. The app goes on by itself.');
    later(11);
    const answers = await Promise.all(Array.from({ length: 10 }, () => poll(app, asked)));
    const [won, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    expect(decodeJwt(String(won?.id_token))).toMatchObject({ sub: account.accountId, amr: ['pwd'] });
    expect((await app.userinfo(String(won?.access_token))).status).toBe(200);
    const [consent] = await listConsents(world.services, account.accountId);
    expect(consent?.allowed).toEqual(['openid', 'profile']);
    // Again with what it knows now.
    const again = await ask(app, { id_token_hint: String(won?.id_token) });
    expect(again.status).toBe(200);
    await (await atRequest(world, app, account, person)).decides('deny');
    expect((await poll(app, again)).error).toBe('access_denied');
  });

  it('learns from no answer whether somebody has an account', async () => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const unproved = await world.account({ verified: false });
    for (const login_hint of [
      account.identifier,
      'nobody@example.com',
      unproved.identifier,
      'not an address',
    ]) {
      const asked = await ask(app, { login_hint });
      expect(asked).toEqual({ status: 200, expires_in: 300, auth_req_id: expect.any(String) });
      expect(asked.auth_req_id).toHaveLength(65);
      expect((await poll(app, asked)).error).toBe('authorization_pending');
    }
    const person = world.person();
    await person.goes(`${world.issuer}/account/requests`);
    await person.signsIn(unproved);
    expect(person.text).toContain('Nothing waits for your answer.');
  });

  it.each<[string, (accountId: string, clientId: string) => Promise<unknown>, string]>([
    [
      'the person is suspended',
      (accountId) => suspendAccount(world.services, { accountId, reason: '' }),
      'invalid_grant',
    ],
    [
      'it is disabled',
      (_, clientId) => disableClient(world.services, { clientId, reason: '' }),
      'invalid_client',
    ],
  ])('gets nothing for a yes when %s before it asks', async (_, ends, error) => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const asked = await ask(app, { login_hint: account.identifier });
    await (await atRequest(world, app, account)).decides('allow');
    await ends(account.accountId, app.clientId);
    expect((await poll(app, asked)).error).toBe(error);
  });

  it('learns from no limit which two addresses are of one person', async () => {
    const app = await openRelyingParty(world, till);
    const [identifier, phone] = ['two-names@example.com', '+14155552671'];
    await world.account({ email: identifier, phone });
    let asked = await ask(app, { login_hint: identifier });
    for (let place = 0; place < 60 && asked.status === 200; place += 1)
      asked = await ask(app, { login_hint: identifier });
    expect(asked.status).toBe(429);
    expect((await ask(app, { login_hint: phone })).status).toBe(200);
  });

  it('does not wear a person out: three wait, three refusals keep it away, and nobody else sees them', async () => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const person = world.person();
    for (let place = 0; place < 5; place += 1)
      await ask(app, { login_hint: account.identifier, binding_message: `A${place}` });
    await atRequest(world, app, account, person);
    const address = person.url;
    const stranger = world.person();
    await stranger.goes(`${world.issuer}/account/requests`);
    await stranger.signsIn(await world.account());
    await stranger.goes(address);
    expect(stranger.status).toBe(404);
    await person.goes(`${world.issuer}/account/requests`);
    expect(waiting(person, app)).toBeLessThanOrEqual(3);
    for (let left = waiting(person, app); left > 0; left -= 1) {
      await looks(person, app);
      await person.decides('deny');
    }
    const messages = (await world.outbox()).length;
    const quiet = await ask(app, { login_hint: account.identifier });
    expect((await poll(app, quiet)).error).toBe('authorization_pending');
    await new Promise((looked) => setTimeout(looked, 200));
    await person.goes(`${world.issuer}/account/requests`);
    expect(waiting(person, app)).toBe(0);
    expect((await world.outbox()).length).toBe(messages);
  });

  it('does not wear a person out with many requests at the same moment either', async () => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const hint = { login_hint: account.identifier };
    const asked = await Promise.all(Array.from({ length: 12 }, () => ask(app, hint)));
    expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 200));
    await new Promise((brought) => setTimeout(brought, 500));
    expect((await listAsked(world.services, account.accountId)).length).toBeLessThanOrEqual(3);
  });

  it('refuses what it does not know, in the words of the specification', async () => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const { identifier: login_hint } = account;
    const told = async (params: Record<string, string>) => (await ask(app, params)).error;
    expect(await told({})).toBe('invalid_request');
    expect(await told({ login_hint, id_token_hint: 'x' })).toBe('invalid_request');
    expect(await told({ login_hint_token: 'x' })).toBe('invalid_request');
    expect(await told({ login_hint, user_code: '1234' })).toBe('invalid_request');
    expect(await told({ login_hint, binding_message: 'x'.repeat(61) })).toBe('invalid_binding_message');
    expect(await told({ login_hint, binding_message: '<b>\u202e' })).toBe('invalid_binding_message');
    expect(await told({ login_hint, requested_expiry: '-1' })).toBe('invalid_request');
    expect(await ask(app, { login_hint, requested_expiry: '60' })).toMatchObject({ expires_in: 60 });
    const plain = await openRelyingParty(world);
    expect((await ask(plain, { login_hint })).status).toBe(400);
    // Late is told as late.
    const late = await ask(app, { login_hint, requested_expiry: '60' });
    later(61);
    expect((await poll(app, late)).error).toBe('expired_token');
  });

  it('is told by a ping that there is an answer, again until it hears', async () => {
    const [app, account] = [await openHearing(), await world.account()];
    expect((await ask(app, { login_hint: account.identifier })).error).toBe('invalid_request');
    const client_notification_token = 'a-token-of-the-app-0123456789';
    const asked = await ask(app, { login_hint: account.identifier, client_notification_token });
    deaf = 1;
    await (await atRequest(world, app, account)).decides('allow');
    await until(() => deaf <= 0);
    later(3);
    await until(() => heard.length > 0);
    expect(heard).toEqual([
      {
        authorization: `Bearer ${client_notification_token}`,
        body: JSON.stringify({ auth_req_id: asked.auth_req_id }),
      },
    ]);
    expect((await poll(app, asked)).status).toBe(200);
  });

  it.each([301, 401, 403])('is not told again after it answered %d, and gets its tokens', async (status) => {
    const [app, account] = [await openHearing(), await world.account()];
    const client_notification_token = 'a-token-of-the-app-0123456789';
    const asked = await ask(app, { login_hint: account.identifier, client_notification_token });
    const before = heard.length;
    [deaf, said] = [1, status];
    await (await atRequest(world, app, account)).decides('allow');
    const owed = () => world.services.db.selectFrom('ciba_pings').selectAll().execute();
    await until(async () => deaf <= 0 && (await owed()).length === 0);
    expect([deaf, await owed(), heard.slice(before)]).toEqual([0, [], []]);
    expect((await poll(app, asked)).status).toBe(200);
  });

  it('asks with a signed request when it registered so (FAPI-CIBA)', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const app = await openRelyingParty(world, {
      ...till,
      backchannel_authentication_request_signing_alg: 'ES256',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
    });
    const { identifier: login_hint } = await world.account();
    expect((await ask(app, { login_hint })).error).toBe('invalid_request');
    const now = Math.floor(Date.now() / 1000);
    const request = await new SignJWT({ scope: 'openid', login_hint, binding_message: 'W4', jti: `j${now}` })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(app.clientId)
      .setAudience(world.issuer)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + 300)
      .sign(privateKey);
    const { status, json } = await app.posts('backchannel_authentication', { request });
    expect([status, json['error']]).toEqual([200, undefined]);
  });
});
