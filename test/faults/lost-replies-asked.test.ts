import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { grantIdLength, layout } from '../../src/oidc/live-layout.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import * as televisions from '../support/televisions.ts';
import * as tills from '../support/tills.ts';
import { untilWorks } from '../support/timing.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * What was asked on another device, while Redis does what it is told and its reply never arrives (reliability F3): the app that
 * comes again has its tokens once, and the person who presses again is not told that somebody was before them.
 */
type Request = {
  grantId: string;
  shows(person: Person): Promise<Person>;
  polls(): Promise<televisions.Polled>;
};
type Kind = { name: string; app: Record<string, unknown>; event: string; asks(on: On): Promise<Request> };
type On = { world: World; app: RelyingParty; account: TestAccount };

const grantOf = (text: string) => text.slice(0, grantIdLength);
const kinds: Kind[] = [
  {
    name: 'a device code',
    app: { ...televisions.television, first_party: true },
    event: 'device.allowed',
    async asks({ world, app, account }) {
      const codes = await televisions.ask(app);
      return {
        grantId: grantOf(codes.device_code),
        shows: (person) => televisions.atDevice(world, codes, account, person),
        polls: () => televisions.poll(app, codes),
      };
    },
  },
  {
    name: 'an auth_req_id',
    app: { ...tills.till, first_party: true },
    event: 'ciba.allowed',
    async asks({ world, app, account }) {
      const asked = await tills.ask(app, { login_hint: account.identifier });
      return {
        grantId: grantOf(asked.auth_req_id),
        shows: (person) => tills.atRequest(world, app, account, person),
        polls: () => tills.poll(app, asked),
      };
    },
  },
];

describe.each(kinds)('while replies about $name are lost', ({ app: registered, event, asks }) => {
  let redis: TestServer;
  let proxy: FaultProxy;
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  let cutsBefore: number;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await openFaultProxy(redis.url);
    world = await openWorld({
      REDIS_URL: proxy.url,
      SECRETS_KEY: randomBytes(32).toString('base64url'),
    });
    app = await openRelyingParty(world, registered);
  });
  afterAll(async () => {
    await world?.close();
    await proxy?.close();
    await redis?.stop();
  });
  beforeEach(async () => {
    await untilWorks(5000, () => world.services.live.ping());
    account = await world.account();
    cutsBefore = proxy.cuts();
  });
  // Each loses exactly the reply that it names.
  afterEach(() => expect(proxy.cuts()).toBe(cutsBefore + 1));

  async function request() {
    const asked = await asks({ world, app, account });
    return { ...asked, person: await asked.shows(world.person()) };
  }
  const storedAt = async (grantId: string) => (await world.services.live.read([layout.asked(grantId)]))[0];
  /** The commit that `text` is in is done, and neither its reply nor that of any later one comes through. */
  async function losing<Result>(text: string, work: () => Promise<Result>): Promise<Result> {
    proxy.cutReplyTo(text, 'silence');
    const result = await work();
    proxy.silence(false);
    await untilWorks(5000, () => world.services.live.ping());
    return result;
  }
  const presses = (person: Person) => person.decides('allow');
  const happened = async () => {
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 50 });
    return events.filter(({ type }) => type === event).length;
  };
  // What only the commit of an answer has in it, of the two that change a request.
  const approval = '"pwd","urn:latchkey:acr';

  it('one reply at its redemption is made up for before the app hears of it', async () => {
    const { person, polls } = await request();
    await presses(person);
    proxy.cutReplyTo('consume');
    expect(await polls()).toMatchObject({ status: 200 });
    expect(await polls()).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('it is unused again once its redemption was answered with 503, and then good once', async () => {
    const { grantId, person, polls } = await request();
    await presses(person);
    expect(await losing('consume', polls)).toMatchObject({ status: 503 });
    await untilWorks(5000, async () => {
      const stored = await storedAt(grantId);
      expect([stored !== undefined, stored?.consumedBy]).toEqual([true, undefined]);
    });
    const tokens = await polls();
    expect(tokens.status).toBe(200);
    expect((await app.userinfo(String(tokens.access_token))).status).toBe(200);
    expect(await polls()).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await app.userinfo(String(tokens.access_token))).status).toBe(200);
  });

  it.each([
    ['taken', 'replace'],
    ['carried out', approval],
  ])('one reply is made up for while the person’s answer is %s', async (_, text) => {
    const { person, polls } = await request();
    proxy.cutReplyTo(text);
    await presses(person);
    expect(person.status).toBe(200);
    expect(await happened()).toBe(1);
    expect(await polls()).toMatchObject({ status: 200 });
  });

  it('the person may press again as soon as the store answers, where their answer was only taken', async () => {
    const { grantId, person, shows, polls } = await request();
    await losing('replace', () => presses(person));
    expect(person.status).toBe(503);
    await untilWorks(5000, async () => expect((await storedAt(grantId))?.value).not.toContain('"at":'));
    await presses(await shows(person));
    expect(person.status).toBe(200);
    expect(await happened()).toBe(1);
    expect(await polls()).toMatchObject({ status: 200 });
  });

  it('an answer that was carried out stands, though its person was told 503, and is in their list', async () => {
    const { person, polls } = await request();
    await losing(approval, () => presses(person));
    expect(person.status).toBe(503);
    expect(await happened()).toBe(1);
    expect(await polls()).toMatchObject({ status: 200 });
  });
});
