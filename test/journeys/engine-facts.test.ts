import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { seconds } from '../../src/kit/durations.ts';
import { endSessions } from '../../src/oidc/sessions.ts';
import { assertionOf, signJwt } from '../support/assertion.ts';
import { openFaultProxy } from '../support/fault-proxy.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * What the engine leaves to those that use it, by the number under which it was measured: none of it may be open here. These
 * are about what is good once, asked of two servers at the same moment; the others: engine-facts-access, -edges.
 */
const lasting = { scope: 'openid email offline_access', prompt: 'consent' };
const fine = (answers: Answer[]) => answers.filter(({ status }) => status === 200);
const times = <Result>(count: number, make: (at: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, at) => make(at)));

describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    app = await openRelyingParty(world);
    account = await world.account();
  });
  afterAll(() => pair?.close());

  /** A form to the token endpoint, by turns of the one server and of the other. */
  const posts = (
    at: number,
    form: Record<string, string>,
    headers: Record<string, string | undefined> = {},
  ) =>
    send(app.endpoint('token'), {
      headers: { 'x-forwarded-for': newAddress(), ...headers },
      body: new URLSearchParams(form),
      port: at % 2 ? world.port : pair.beside.port,
    });

  it('fact 1: of fifty redemptions of one code at once, one gets tokens, and the alarm then ends them', async () => {
    for (const parameters of [lasting, { scope: 'openid' }]) {
      const { code, attempt } = await app.getsCode(world.person(), account, parameters);
      const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri };
      const answers = await times(50, (at) =>
        posts(at, { ...form, code_verifier: attempt.verifier }, app.basic()),
      );
      expect(fine(answers)).toHaveLength(1);
      for (const { status, json } of answers)
        expect([200, 400]).toContain(status === 400 && json['error'] !== 'invalid_grant' ? 0 : status);
      for (const { json } of fine(answers))
        expect((await app.userinfo(String(json['access_token']))).status).toBe(401);
    }
  });

  it('fact 2: twenty refreshes with one token at once get one successor, and a later one ends it', async () => {
    for (const metadata of [{}, { token_endpoint_auth_method: 'none' }]) {
      const by = await openRelyingParty(world, metadata);
      const { refresh_token } = await by.signsIn(world.person(), account, lasting);
      const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token) };
      const named = by.clientSecret ? form : { ...form, client_id: by.clientId };
      const answers = await times(20, (at) => posts(at, named, by.basic()));
      expect(fine(answers)).toHaveLength(20);
      const successors = new Set(answers.map(({ json }) => json['refresh_token']));
      expect(successors.size).toBe(1);
      world.advance(11 * seconds);
      expect((await posts(0, named, by.basic())).status).toBe(400);
      for (const token of successors) expect((await by.refreshes(String(token))).status).toBe(400);
    }
  });

  it('fact 3: of twenty uses of one client assertion at once, one is taken', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' };
    const machine = await openRelyingParty(world, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      post_logout_redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key] },
    });
    const proof = assertionOf({ clientId: machine.clientId, audience: world.issuer, privateKey });
    const answers = await times(20, (at) => posts(at, { grant_type: 'client_credentials', ...proof }));
    expect(fine(answers)).toHaveLength(1);
    for (const { status } of answers) expect([200, 401]).toContain(status);
  });

  it('fact 3: of twenty uses of one DPoP proof at once, one is taken', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const machine = await openRelyingParty(world, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      post_logout_redirect_uris: [],
    });
    const claims = {
      jti: randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      htm: 'POST',
      htu: app.endpoint('token'),
    };
    const jwk = publicKey.export({ format: 'jwk' });
    const dpop = signJwt({ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims, privateKey);
    const form = { grant_type: 'client_credentials' };
    const answers = await times(20, (at) => posts(at, form, { ...machine.basic(), dpop }));
    expect(fine(answers)).toHaveLength(1);
    for (const { status } of answers) expect([200, 400, 401]).toContain(status);
  });

  it('fact 3: a pushed request is gone on from once', async () => {
    const pushed = await app.posts('pushed_authorization_request', app.asks().url.searchParams);
    const query = new URLSearchParams({
      client_id: app.clientId,
      request_uri: String(pushed.json['request_uri']),
    });
    const people = await times(3, () => world.person().goes(`${world.issuer}/authorize?${query}`));
    for (const person of people) {
      if (person.heading === 'Sign in') await person.signsIn(account);
      if (!person.left && person.heading?.startsWith('Allow ')) await person.decides('allow');
    }
    expect(people.filter(({ left }) => left?.searchParams.has('code'))).toHaveLength(1);
  });

  it('fact 4: a session that is ended stays ended, whatever was under way', async () => {
    for (let round = 0; round < 3; round += 1) {
      const person = world.person();
      await app.signsIn(person, account);
      const cookie = person.cookieHeader(`${world.issuer}/authorize`);
      const silently = () => world.person();
      const visit = async () => {
        const other = silently();
        for (const pair of cookie.split('; ')) await other.cookies.setCookie(pair, world.issuer);
        await other.goes(app.asks({ prompt: 'none' }).url);
        return other;
      };
      const underWay = times(10, visit);
      await endSessions(world.services, { accountId: account.accountId });
      await underWay;
      expect(arrivalOf(await visit()).searchParams.get('error')).toBe('login_required');
    }
  });
});

const redis = process.env['TEST_REDIS_URL'];

describe('when the reply of the store is lost', () => {
  it('fact 17: who redeems and refreshes is no thief, and nothing hangs', async () => {
    // The embedded store has no wire that a reply could be lost on.
    const proxy = redis === undefined ? undefined : await openFaultProxy(redis);
    const secrets = { SECRETS_KEY: randomBytes(32).toString('base64url') };
    const world = await openWorld(proxy ? { REDIS_URL: proxy.url, ...secrets } : {});
    try {
      const app = await openRelyingParty(world);
      const account = await world.account();
      for (let round = 0; round < 3; round += 1) {
        const { code, attempt } = await app.getsCode(world.person(), account, lasting);
        proxy?.cutReplyTo('consume');
        const redeemed = await app.redeems(code, attempt);
        proxy?.cutReplyTo('consume');
        const refreshed = await app.refreshes(String(redeemed.json['refresh_token']));
        expect([redeemed.status, refreshed.status]).toEqual([200, 200]);
        expect(await app.introspects(String(refreshed.json['access_token']))).toMatchObject({ active: true });
      }
      expect(proxy?.cuts() ?? 6).toBe(6);
      const events = await listEvents(world.services, { accountId: account.accountId, limit: 100 });
      expect(events.filter(({ type }) => type.includes('reuse'))).toEqual([]);
    } finally {
      await world.close();
      await proxy?.close();
    }
  });
});
