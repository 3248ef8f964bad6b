import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../../src/audit/list.ts';
import { waitMs } from '../../../src/limits/challenge.ts';
import { limits } from '../../../src/limits/limits.ts';
import { type Door, notePressure, pressures } from '../../../src/limits/pressure.ts';
import { workedOut } from '../../support/effort.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { newAddress, send, sendKeptBack } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** What trying costs under pressure, seen by a browser that runs no scripts; with scripts: test/browser. */
const minutes = 60_000;

describe.each(worldKinds)('under pressure, on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let ana: TestAccount;
  beforeAll(async () => {
    world = await open({ CHALLENGE_BITS: '11' });
    app = await openRelyingParty(world, { first_party: true });
    ana = await world.account();
  });
  afterAll(() => world.close());

  /** As after so many tries of this sender. */
  async function pressed(ip: string, door: Door = 'sign_in'): Promise<void> {
    for (let one = 0; one < pressures[door].address; one += 1)
      await notePressure(world.services, { door, ip });
  }

  async function someone({ door = 'sign_in' as Door, page = '' } = {}): Promise<Person> {
    const person = world.person();
    await pressed(person.address, door);
    await person.goes(app.asks().url);
    if (page) await person.goes(`${person.url}/${page}`);
    return person;
  }

  const isAsked = (person: Person) => person.html.textsOf('div', { class: 'challenge' }).length > 0;
  const right = () => ({ identifier: ana.identifier, password: ana.password });
  const looks = async () =>
    (await listEvents(world.services, { accountId: ana.accountId, limit: 500 })).length;

  it('asks who tries much, and nobody else', async () => {
    expect(isAsked(await world.person().goes(app.asks().url))).toBe(false);
    const attacker = await world.person().goes(app.asks().url);
    const tries = pressures.sign_in.address;
    for (let one = 0; one < tries; one += 1)
      await attacker.submits({ identifier: `nobody${one}@example.com`, password: 'wrong' });
    expect(isAsked(attacker)).toBe(true);
    expect(isAsked(await world.person().goes(app.asks().url))).toBe(false);
  });

  it('asks nobody because many sign in at once with the right password', async () => {
    const office = newAddress();
    const colleagues: { account: TestAccount; person: Person }[] = [];
    for (let one = 0; one < 2 * pressures.sign_in.address; one += 1) {
      const person = await world.person({ address: office }).goes(app.asks().url);
      colleagues.push({ account: await world.account(), person });
    }
    await Promise.all(colleagues.map(({ account, person }) => person.signsIn(account)));
    const turnedAway = colleagues.filter(({ person }) => person.left === undefined);
    // A machine that is busy may turn some away, with another page.
    expect(turnedAway.filter(({ person }) => person.status !== 503)).toEqual([]);
    expect(isAsked(await world.person({ address: office }).goes(app.asks().url))).toBe(false);
  });

  it('lets in who worked it out', async () => {
    const person = await someone();
    await person.submits({ ...right(), ...workedOut(person) });
    expect(person.left).toBeDefined();
  });

  it('looks at no password before, and says how long is left to wait where no scripts run', async () => {
    const person = await someone();
    const before = await looks();
    await person.submits(right());
    expect(person.status).toBe(400);
    expect(person.alert).toMatch(/wait \d+ more seconds?/);
    expect(await looks()).toBe(before);
    // What was typed is there, but for the password; and waiting went on.
    expect(person.html.attribute('input', { name: 'identifier' }, 'value')).toBe(ana.identifier);
    world.advance(waitMs);
    await person.submits(right());
    expect(person.left).toBeDefined();
  });

  it('goes on waiting when something was left empty', async () => {
    const person = await someone();
    world.advance(waitMs);
    await person.submits({ identifier: ana.identifier, password: '' });
    expect(person.status).toBe(400);
    await person.submits(right());
    expect(person.left).toBeDefined();
  });

  it('is asked for also by a form that was shown before the pressure rose', async () => {
    const person = await world.person().goes(app.asks().url);
    await pressed(person.address);
    await person.submits(right());
    expect(person.alert).toMatch(/Nothing was sent yet/);
    await person.submits({ ...right(), ...workedOut(person) });
    expect(person.left).toBeDefined();
  });

  it('is asked for also by a form that was kept back until the pressure rose', async () => {
    const person = await world.person().goes(app.asks().url);
    const before = await looks();
    const answer = await sendKeptBack(`${person.url}/password`, {
      body: new URLSearchParams(right()).toString(),
      headers: {
        accept: 'text/html',
        cookie: person.cookieHeader(),
        'sec-fetch-site': 'same-origin',
        'x-forwarded-for': person.address,
        'content-type': 'application/x-www-form-urlencoded',
      },
      port: world.port,
      async meanwhile() {
        await pressed(person.address);
        world.advance(2000);
      },
    });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Nothing was sent yet')]);
    expect(await looks()).toBe(before);
  });

  it('takes an answer once, of however many that come at once to two servers', async () => {
    const beside = await openWorld({}, { beside: world });
    try {
      const person = await someone();
      const body = new URLSearchParams({ ...right(), password: 'wrong', ...workedOut(person) } as Record<
        string,
        string
      >);
      const before = await looks();
      const headers = {
        accept: 'text/html',
        cookie: person.cookieHeader(),
        'sec-fetch-site': 'same-origin',
        'x-forwarded-for': person.address,
      };
      const url = `${person.url}/password`;
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          send(url, { body, headers, port: at % 2 === 0 ? world.port : beside.port }),
        ),
      );
      expect((await looks()) - before).toBe(1);
    } finally {
      await beside.close();
    }
  });

  it('takes no answer to another’s challenge, another page’s, an old or an altered one', async () => {
    const [person, other] = [await someone(), await someone()];
    const forgot = await someone({ door: 'forgot', page: 'forgot' });
    await pressed(forgot.address);
    const { challenge, challenge_answer } = workedOut(person) as Record<string, string>;
    const [payload = '', mac] = (challenge ?? '').split('.');
    const easier = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), bits: 1 };
    const altered = Buffer.from(JSON.stringify(easier)).toString('base64url');
    const before = await looks();
    const refused = async (who: Person, fields: object) => {
      await who.submits({ ...right(), ...fields });
      expect([who.status, who.alert]).toEqual([400, expect.stringMatching(/Nothing was looked at/)]);
    };
    await refused(other, { challenge, challenge_answer });
    await refused(person, { challenge: `${altered}.${mac}`, challenge_answer });
    await refused(person, { challenge, challenge_answer: '1.2.3.4.5.6.7' });
    await refused(person, { challenge, challenge_answer: '0.0.0.0.0.0.0.00000' });
    await refused(person, { challenge: 'x', challenge_answer: '1.2.3.4.5.6.7.8' });
    await refused(person, workedOut(forgot));
    world.advance(11 * minutes);
    await pressed(person.address);
    await refused(person, { challenge, challenge_answer });
    expect(await looks()).toBe(before);
  });

  it('is no way around the work: challenges wait side by side, but an address has a few waits only', async () => {
    const { max } = limits.wait_by_address;
    const person = world.person();
    await pressed(person.address);
    const url = app.asks().url;
    const pages: Person[] = [];
    for (let one = 0; one < max + 2; one += 1)
      pages.push(await world.person({ address: person.address }).goes(url));
    world.advance(waitMs);
    const before = await looks();
    for (const page of pages) await page.submits(right());
    expect(pages.filter(({ left }) => left !== undefined)).toHaveLength(max);
    expect(pages.at(-1)?.status).toBe(429);
    // Each of the others signed in, and leaves one event.
    expect((await looks()) - before).toBe(max);
    // The work is always there to be done.
    const page = await world.person({ address: person.address }).goes(url);
    await page.submits({ ...right(), ...workedOut(page) });
    expect(page.left).toBeDefined();
  });

  it('stands before signing up and before a reset too, and no message leaves without it', async () => {
    const wanted = { name: 'Eve', identifier: 'eve@example.com', password: 'nine-tidy-harbours' };
    const newcomer = await someone({ door: 'sign_up', page: 'sign-up' });
    const before = (await world.outbox()).length;
    await newcomer.submits(wanted);
    expect(newcomer.alert).toMatch(/more seconds?/);
    const forgetful = await someone({ door: 'forgot', page: 'forgot' });
    await forgetful.submits({ identifier: ana.identifier });
    expect(forgetful.alert).toMatch(/more seconds?/);
    expect((await world.outbox()).length).toBe(before);
    await newcomer.submits({ ...wanted, ...workedOut(newcomer) });
    await forgetful.submits({ identifier: ana.identifier, ...workedOut(forgetful) });
    expect([newcomer.heading, forgetful.heading]).toEqual(['Enter the code', expect.any(String)]);
    expect((await world.outbox()).length).toBe(before + 2);
  });

  it('tells the operator how often it was asked, solved, waited for and refused', async () => {
    const { values } = await world.services.metrics.challenges.get();
    expect(values.map(({ labels }) => labels.outcome).sort()).toEqual([
      'asked',
      'refused',
      'solved',
      'waited',
    ]);
  });
});

describe('with CHALLENGE_BITS=0', () => {
  it('nothing is asked', async () => {
    const world = await openWorld({ CHALLENGE_BITS: '0' });
    const app = await openRelyingParty(world, { first_party: true });
    const person = world.person({ address: newAddress() });
    for (let one = 0; one < 20; one += 1)
      await notePressure(world.services, { door: 'sign_in', ip: person.address });
    const ana = await world.account();
    await person.goes(app.asks().url);
    await person.signsIn(ana);
    expect(person.left).toBeDefined();
    await world.close();
  });
});
