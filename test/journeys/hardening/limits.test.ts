import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../../src/audit/list.ts';
import { limits, takeFromLimits } from '../../../src/limits/limits.ts';
import { waitAfter, waits } from '../../../src/limits/waits.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { type Answer, newAddress, send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** What the table of limits says, at the doors (misuse cases SI-05, RL-01, RL-03, RL-05). */
const minutes = 60_000;
const untilWait = waits.password.free + 1;
// The limits themselves, without what a page asks for before they are reached (challenge.test.ts).
const calm = { CHALLENGE_BITS: '0' };

describe.each(worldKinds)('limits on $name', ({ open }) => {
  let world: World;
  let beside: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await open(calm);
    beside = await openWorld({}, { beside: world });
    app = await openRelyingParty(world, {
      first_party: true,
      grant_types: ['authorization_code', 'client_credentials'],
    });
  });
  afterAll(async () => {
    await beside.close();
    await world.close();
  });

  type Sent = { address?: string; port?: number; headers?: Record<string, string> };

  function post(
    who: Person,
    path: string,
    fields: Record<string, string>,
    { address, port, headers = {} }: Sent,
  ) {
    return send(`${who.url}/${path}`, {
      port,
      body: new URLSearchParams(fields),
      headers: {
        accept: 'text/html',
        cookie: who.cookieHeader(),
        'sec-fetch-site': 'same-origin',
        'x-forwarded-for': address ?? newAddress(),
        ...headers,
      },
    });
  }

  const forgets = (who: Person, identifier: string, sent: Sent) => post(who, 'forgot', { identifier }, sent);
  const atSignIn = () => world.person().goes(app.asks().url);
  const statuses = (answers: Answer[]) => answers.map(({ status }) => status);
  const howMany = (answers: Answer[], status: number) =>
    statuses(answers).filter((one) => one === status).length;
  let fresh = 0;
  const freshName = () => {
    fresh += 1;
    return `fresh${fresh}@example.com`;
  };

  it('count a whole /64 as one sender, another /64 as another, and IPv4 inside IPv6 as IPv4', async () => {
    const who = await atSignIn();
    const { max } = limits.code_by_address;
    const group = () => Math.floor(Math.random() * 65_536).toString(16);
    const inOne = () => `2001:db8:1:2:${group()}:${group()}:${group()}:${group()}`;
    for (let times = 0; times < max; times += 1)
      expect((await forgets(who, freshName(), { address: inOne() })).status).toBe(303);
    expect((await forgets(who, freshName(), { address: inOne() })).status).toBe(429);
    expect((await forgets(who, freshName(), { address: '2001:0DB8:0001:0002::1' })).status).toBe(429);
    expect((await forgets(who, freshName(), { address: '2001:db8:1:3::1' })).status).toBe(303);

    for (let times = 0; times < max; times += 1)
      expect((await forgets(who, freshName(), { address: '::ffff:203.0.113.7' })).status).toBe(303);
    expect((await forgets(who, freshName(), { address: '203.0.113.7' })).status).toBe(429);
    expect((await forgets(who, freshName(), { address: '203.0.113.8' })).status).toBe(303);
  });

  it('cannot be escaped by writing addresses in front of the one that the proxy saw', async () => {
    const who = await atSignIn();
    const { max } = limits.code_by_address;
    const address = newAddress();
    const forged = [`${newAddress()}, ${address}`, `junk, ${address}`, `, ,${address}`, `"><b>, ${address}`];
    for (let times = 0; times < max; times += 1) {
      const sent = { address: forged[times % forged.length] ?? address };
      expect((await forgets(who, freshName(), sent)).status).toBe(303);
    }
    expect((await forgets(who, freshName(), { address })).status).toBe(429);
    expect((await forgets(who, freshName(), { address: `${newAddress()}, ${address}` })).status).toBe(429);
  });

  it('let exactly as many through as they say, however many come at once to two servers', async () => {
    const who = await atSignIn();
    const { max } = limits.code_by_address;
    const address = newAddress();
    const names = Array.from({ length: 3 * max }, freshName);
    const answers = await Promise.all(
      names.map((name, at) => forgets(who, name, { address, port: at % 2 === 0 ? world.port : beside.port })),
    );
    expect(howMany(answers, 303)).toBe(max);
    expect(howMany(answers, 429)).toBe(2 * max);
  });

  it('say when to come again, cheaply, and do nothing else', async () => {
    const who = await atSignIn();
    const address = newAddress();
    for (let times = 0; times < limits.code_by_address.max; times += 1)
      await forgets(who, freshName(), { address });
    // The first refusal of its time is recorded.
    await forgets(who, freshName(), { address });
    const before = (await world.outbox()).length;
    const audited = await countOf('audit_events');
    const answer = await forgets(who, freshName(), { address });
    expect(answer.status).toBe(429);
    const wait = Number(answer.headers['retry-after']);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(limits.code_by_address.windowMs / 1000);
    expect((await world.outbox()).length).toBe(before);
    expect(await countOf('audit_events')).toBe(audited);
  });

  async function countOf(table: 'audit_events' | 'messages'): Promise<number> {
    const { db } = world.services;
    const row = await db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('all'))
      .executeTakeFirstOrThrow();
    return Number(row.all);
  }

  it('stop one sender who tries one password at many accounts, and leave the accounts alone', async () => {
    const who = await atSignIn();
    const ana = await world.account();
    const address = newAddress();
    const { max } = limits.password_by_address;
    const tries = await Promise.all(
      Array.from({ length: max + 10 }, () =>
        post(who, 'password', { identifier: freshName(), password: 'a common password' }, { address }),
      ),
    );
    expect(howMany(tries, 400)).toBe(max);
    const stopped = tries.filter(({ status }) => status === 429);
    expect(stopped).toHaveLength(10);
    for (const { headers } of stopped) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    const { identifier, password } = ana;
    // He is stopped whatever he knows, and the account's owner is not.
    expect((await post(who, 'password', { identifier, password }, { address })).status).toBe(429);
    expect((await post(await atSignIn(), 'password', { identifier, password }, {})).status).toBe(303);
  });

  it('outlive the server that counted', async () => {
    const who = await atSignIn();
    const bea = await world.account();
    const fields = { identifier: bea.identifier, password: 'wrong, and again wrong' };
    for (let times = 0; times < untilWait; times += 1)
      expect((await post(who, 'password', fields, {})).status).toBe(400);
    // A server that starts now knows what the others counted.
    const later = await openWorld({}, { beside: world });
    try {
      const right = { ...fields, password: bea.password };
      const answer = await post(await atSignIn(), 'password', right, { port: later.port });
      expect(answer.status).toBe(400);
      world.advance(waitAfter(waits.password, untilWait) + 1000);
      expect((await post(await atSignIn(), 'password', right, { port: later.port })).status).toBe(303);
    } finally {
      await later.close();
    }
  });

  it('are over an app’s failures and not over its work', async () => {
    const address = newAddress();
    const token = (headers: Record<string, string>) =>
      app.posts('token', { grant_type: 'client_credentials' }, { 'x-forwarded-for': address, ...headers });
    const { max } = limits.token_failures_by_address;
    for (let times = 0; times < max; times += 1)
      expect((await token({ authorization: app.basic('wrong')['authorization'] ?? '' })).status).toBe(401);
    const answer = await token(app.basic());
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.json).toHaveProperty('error');
    // The same app from where it works.
    expect((await app.posts('token', { grant_type: 'client_credentials' })).status).toBe(200);
  });

  it('keep the meter beside a new password from being all that a server does', async () => {
    const who = await atSignIn();
    const address = newAddress();
    const { max } = limits.strength_by_address;
    const looks = await Promise.all(
      Array.from({ length: max + 5 }, () => post(who, 'strength', { password: 'abc' }, { address })),
    );
    expect(howMany(looks, 200)).toBe(max);
    expect(howMany(looks, 429)).toBe(5);
    // Signing in from there goes on.
    expect((await send(app.asks().url, { headers: { 'x-forwarded-for': address } })).status).toBe(303);
  });

  it('count authorization requests by their sender, however the address is written', async () => {
    const address = newAddress();
    const { max } = limits.authorize_by_address;
    const { url } = app.asks();
    const paths = ['/authorize', '/AUTHORIZE', '/authorize/'];
    const answers: Answer[] = [];
    for (let done = 0; done < max + 5; done += 55)
      answers.push(
        ...(await Promise.all(
          Array.from({ length: 55 }, (_, at) => {
            const asked = new URL(url);
            asked.pathname = paths[at % 3] ?? '';
            return send(asked, { headers: { 'x-forwarded-for': address, accept: 'text/html' } });
          }),
        )),
      );
    expect(howMany(answers, 429)).toBe(answers.length - max);
    expect(answers.at(-1)?.text).toContain('name="latchkey-error" content="too_many_requests"');
    expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('counters of the embedded stores', () => {
  it('are kept when the server is stopped and started anew', async () => {
    const first = await openWorld();
    const app = await openRelyingParty(first, { first_party: true });
    const ana = await first.account();
    const who = await first.person().goes(app.asks().url);
    for (let times = 0; times < untilWait; times += 1)
      await who.submits({ identifier: ana.identifier, password: 'wrong, and again wrong' });
    // Another process on the same folder, opened from nothing.
    const again = await openWorld({}, { beside: first });
    const person = again.person();
    await person.goes(app.asks().url);
    await person.submits({ identifier: ana.identifier, password: ana.password });
    expect(person.left).toBeUndefined();
    expect(person.alert).toBeDefined();
    again.advance(waitAfter(waits.password, untilWait) + minutes);
    await person.submits({ identifier: ana.identifier, password: ana.password });
    expect(person.left).toBeDefined();
    await again.close();
    await first.close();
  });
});

describe('what everybody shares', () => {
  it('is used up by an attacker with many addresses; who signed in here before gets in, and everybody soon (SI-05, SI-07)', async () => {
    const world = await openWorld(calm);
    const app = await openRelyingParty(world, { first_party: true });
    const [ana, bob] = [await world.account(), await world.account()];
    const signsIn = async (account: TestAccount, person = world.person()) => {
      await person.goes(app.asks({ prompt: 'login' }).url);
      return person.signsIn(account);
    };
    const [owner, other] = [await signsIn(ana), await signsIn(bob)];
    expect([owner.left?.searchParams.has('code'), other.left?.searchParams.has('code')]).toEqual([
      true,
      true,
    ]);
    await world.still(async () => {
      for (let one = 0; one < limits.password_by_everyone.max; one += 1)
        await takeFromLimits(world.services, [{ limit: 'password_by_everyone' }]);
      const stranger = await signsIn(ana);
      expect([stranger.status, stranger.left]).toEqual([429, undefined]);
      // Another account's browser is a stranger's.
      expect((await signsIn(ana, other)).status).toBe(429);
      expect((await signsIn(ana, owner)).left?.searchParams.has('code')).toBe(true);
      expect((await signsIn({ ...ana, password: 'wrong, and again wrong' }, owner)).status).toBe(400);
    });
    const hits = await listEvents(world.services, { types: ['limit.hit'], limit: 10 });
    expect(hits.map(({ detail }) => detail['limit'])).toEqual(['password_by_everyone']);
    world.advance(1 * minutes);
    expect((await signsIn(ana)).left?.searchParams.has('code')).toBe(true);
    await world.close();
  });

  it.each([
    ['passwords', 'password_by_network', 'password', { identifier: 'x@example.com', password: 'x' }],
    ['codes', 'code_by_network', 'forgot', { identifier: 'x@example.com' }],
  ] as const)('is counted by network too: %s (RL-01)', async (_, limit, path, fields) => {
    const world = await openWorld(calm);
    const app = await openRelyingParty(world, { first_party: true });
    const from = async (address: string) => {
      const person = await world.person({ address }).goes(app.asks().url);
      await person.isSentTo(`${person.url}/${path}`, { form: fields, from: world.issuer });
      return person.status;
    };
    for (let one = 0; one < limits[limit].max; one += 1)
      await takeFromLimits(world.services, [{ limit, key: `2001:db8:7:${one.toString(16)}::1` }]);
    expect(await from('2001:db8:7:ffff::9')).toBe(429);
    expect(await from('2001:db8:8:ffff::9')).not.toBe(429);
    await world.close();
  });
});
