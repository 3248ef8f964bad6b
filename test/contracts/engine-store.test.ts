import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeGrants } from '../../src/oidc/grants.ts';
import { endSession, listSessions } from '../../src/oidc/sessions.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * What the engine's store must hold whatever it is kept in: two server processes' worth of engines on the same stores,
 * asked the same thing at the same moment.
 */

// The winner, the losers, and whom a store on a busy machine keeps waiting longer than a page may wait.
const clean = [200, 400, 503];

describe.each(worldKinds)('the engine on $name', ({ open }) => {
  let world: World;
  let beside: World;
  let app: RelyingParty;

  beforeAll(async () => {
    world = await open();
    beside = await openWorld({}, { beside: world });
    app = await openRelyingParty(world, {
      first_party: true,
      grant_types: ['authorization_code', 'refresh_token'],
    });
  });
  afterAll(async () => {
    await beside.close();
    await world.close();
  });

  /** The same request many times, half of it to the server beside, each from an address of its own. */
  async function together(body: Record<string, string>, times = 20): Promise<Answer[]> {
    return Promise.all(
      Array.from({ length: times }, (_, at) =>
        send(app.endpoint('token'), {
          headers: { ...app.basic(), 'x-forwarded-for': newAddress() },
          body: new URLSearchParams(body),
          port: at % 2 ? world.port : beside.port,
        }),
      ),
    );
  }

  it('redeems an authorization code once, however many try at the same moment', async () => {
    const account = await world.account();
    for (let round = 0; round < 5; round += 1) {
      const { code, attempt } = await app.getsCode(world.person(), account);
      const answers = await together({
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.redirectUri,
        code_verifier: attempt.verifier,
      });
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      expect(answers.filter(({ status }) => !clean.includes(status))).toEqual([]);
    }
  });

  it('keeps a session ended that was ended while a request of it was under way', async () => {
    const account = await world.account();
    for (let round = 0; round < 10; round += 1) {
      const person = world.person();
      await app.signsIn(person, account);
      const [session] = await listSessions(world.services, account.accountId);
      const uid = String(session?.uid);
      // An app that is new to the session: authorizing it is what writes the session.
      const another = await openRelyingParty(world, { first_party: true });
      await Promise.all([
        person.goes(another.asks().url),
        endSession(beside.services, { accountId: account.accountId, uid }),
      ]);
      expect(await listSessions(world.services, account.accountId)).toEqual([]);
      await person.goes(app.asks().url);
      expect(person.heading).toBe('Sign in');
    }
  });

  it('keeps both apps that one session authorizes at the same moment', async () => {
    const account = await world.account();
    const other = await openRelyingParty(world, { first_party: true });
    for (let round = 0; round < 10; round += 1) {
      const person = world.person();
      const third = await openRelyingParty(world, { first_party: true });
      await third.signsIn(person, account);
      const twin = world.person();
      for (const cookie of person.cookies.serializeSync()?.cookies ?? [])
        twin.cookies.setCookieSync(`${cookie.key}=${cookie.value}; Path=/`, world.issuer);
      const [one, two] = [app.asks(), other.asks()];
      await Promise.all([person.goes(one.url), twin.goes(two.url)]);
      expect(arrivalOf(person).searchParams.get('error')).toBeNull();
      await app.receives(person, one);
      await other.receives(twin, two);
    }
  });

  it('lets no token live that is saved after its grant was revoked', async () => {
    const account = await world.account();
    for (let round = 0; round < 10; round += 1) {
      const person = world.person();
      const tokens = await app.signsIn(person, account, {
        scope: 'openid offline_access',
        prompt: 'consent',
      });
      const [refreshed] = await Promise.all([
        together({ grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }, 1),
        revokeGrants(beside.services, { accountId: account.accountId }),
      ]);
      const token = refreshed[0]?.json['access_token'] ?? tokens.access_token;
      const answer = await app.userinfo(String(token));
      expect(answer.status).toBe(401);
    }
  });
});
