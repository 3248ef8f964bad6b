import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../../src/audit/list.ts';
import { hours, minutes } from '../../../src/kit/durations.ts';
import { waitAfter, waits } from '../../../src/limits/waits.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import {
  atSecondStep,
  type Careful,
  carefulAccount,
  giveBackupCodes,
  otherThan,
  signedInFully,
  wrongCode,
} from '../../support/second-steps.ts';
import { wipeLiveState } from '../../support/wipe-live.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** Somebody guesses codes: one count an account, whatever he does. */
const untilWait = waits.second_step.free + 1;

describe.each(worldKinds)('who guesses codes, on $name', ({ open }) => {
  let world: World;
  let beside: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await open({ CHALLENGE_BITS: '0' });
    beside = await openWorld({}, { beside: world });
    app = await openRelyingParty(world, { first_party: true });
  });
  afterAll(async () => {
    await beside.close();
    await world.close();
  });

  /** How many second steps of the account were looked at and found wrong. */
  async function lookedAt({ accountId }: Careful): Promise<number> {
    const types = ['account.second_step_failed'] as const;
    const events = await listEvents(world.services, { accountId, types, limit: 1000 });
    return events.filter(({ detail }) => detail['reason'] === 'wrong_code').length;
  }

  /** Wrong codes in sign-ins of their own, as many as one bears in each. */
  async function guesses(victim: Careful, times: number): Promise<Person> {
    let attacker = await atSecondStep(world, victim);
    for (let guessed = 0; guessed < times; guessed += 1) {
      if (guessed % 5 === 0) attacker = await atSecondStep(world, victim);
      await attacker.submits({ code: await wrongCode(victim.totpSecret) });
    }
    return attacker;
  }

  it('finds no fresh guesses in another sign-in, nor by starting over (MF-01)', async () => {
    const victim = await carefulAccount(world);
    const attacker = await guesses(victim, untilWait);
    expect(await lookedAt(victim)).toBe(untilWait);
    await attacker.presses('Not you? Use another account');
    await attacker.submits({ identifier: victim.identifier, password: victim.password });
    await attacker.submits({ code: await world.freshCode(victim.totpSecret) });
    expect([attacker.status, attacker.alert]).toEqual([429, expect.stringMatching(/Too many wrong codes/)]);
    expect(Number(attacker.headers['retry-after'])).toBeGreaterThan(0);
    expect(await lookedAt(victim)).toBe(untilWait);
    // The code was not looked at, so it is not used up, and is taken a minute later.
    world.advance(waitAfter(waits.second_step, untilWait));
    await attacker.submits({ code: await world.freshCode(victim.totpSecret) });
    expect(attacker.path).toBe('/account');
  });

  it('finds none in another method (MF-01)', async () => {
    const victim = await carefulAccount(world);
    await giveBackupCodes(world.services, victim.accountId);
    await guesses(victim, 3);
    const attacker = await atSecondStep(world, victim);
    await attacker.follows('Use a backup method');
    await attacker.presses('Use this: 10 codes left');
    for (let guessed = 0; guessed < 4; guessed += 1) await attacker.submits({ code: 'aaaaa-aaaaa' });
    expect(attacker.status).toBe(429);
    expect(await lookedAt(victim)).toBe(untilWait);
  });

  it('finds none in many sign-ins at once, on two processes (RL-03)', async () => {
    const victim = await carefulAccount(world);
    const people: Person[] = [];
    for (let one = 0; one < 10; one += 1) people.push(await atSecondStep(world, victim));
    const code = await wrongCode(victim.totpSecret);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => {
        const who = people[at % people.length];
        if (!who) throw new Error('nobody');
        return send(`${who.url}/second-step`, {
          body: new URLSearchParams({ code }),
          port: at % 2 === 0 ? world.port : beside.port,
          headers: {
            accept: 'text/html',
            cookie: who.cookieHeader(),
            'sec-fetch-site': 'same-origin',
            'x-forwarded-for': newAddress(),
          },
        });
      }),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => ![400, 429, 503].includes(status))).toEqual([]);
    const looked = await lookedAt(victim);
    expect(looked).toBeGreaterThan(0);
    expect(looked).toBeLessThanOrEqual(untilWait);
  });

  it('wins nothing by the loss of the live state, nor by a right password in between', async () => {
    const victim = await carefulAccount(world);
    await guesses(victim, untilWait);
    await wipeLiveState(world);
    await guesses(victim, 5);
    expect(await lookedAt(victim)).toBe(untilWait);
  });

  it('waits an hour and more after ten, and does not keep the owner out of a browser that signed in before', async () => {
    const victim = await carefulAccount(world);
    const owner = await signedInFully(world, victim);
    expect(owner.path).toBe('/account');
    for (let guessed = 0; guessed < 10; guessed += 1) {
      await guesses(victim, 1);
      world.advance(guessed < 9 ? waitAfter(waits.second_step, guessed + 1) : 0);
    }
    expect(await lookedAt(victim)).toBe(10);
    const attacker = await guesses(victim, 1);
    expect(Number(attacker.headers['retry-after'])).toBeGreaterThan((59 * minutes) / 1000);

    owner.cookies.setCookieSync('latchkey-session=; Max-Age=0; Path=/', world.issuer);
    await signedInFully(world, victim, { person: owner });
    expect(owner.path).toBe('/account');
    // By which the attacker gets nothing.
    expect((await guesses(victim, 1)).status).toBe(429);
    world.advance(1 * hours);
    expect((await guesses(victim, 1)).status).toBe(400);
  });

  it('gets no fresh guesses at the second step by a reset of the password', async () => {
    const victim = await carefulAccount(world);
    await guesses(victim, untilWait);
    const thief = await world.person().goes(app.asks().url);
    await thief.follows('Forgot your password?');
    await thief.submits({ identifier: victim.identifier });
    await thief.submits({ code: await world.codeSentTo(victim.identifier) });
    await thief.submits({ password: 'nine-tidy-harbours' });
    await thief.submits({ code: await wrongCode(victim.totpSecret) });
    expect(thief.status).toBe(429);
    expect(await lookedAt(victim)).toBe(untilWait);
  });

  it('gets no more guesses at a reset by asking for it on many pages (RC-15)', async () => {
    const victim = await carefulAccount(world);
    const until = waits.reset_code.free + 1;
    let looked = 0;
    let last: Person | undefined;
    for (let page = 0; page < 4; page += 1) {
      const attacker = await world.person().goes(app.asks().url);
      await attacker.follows('Forgot your password?');
      await attacker.submits({ identifier: victim.identifier });
      for (let guessed = 0; guessed < 4; guessed += 1) {
        const code = await world.codeSentTo(victim.identifier);
        await attacker.submits({ code: otherThan(code) });
        if (attacker.status === 400) looked += 1;
      }
      last = attacker;
    }
    expect(looked).toBe(until);
    expect(last?.status).toBe(429);
    // The live state may be lost with all codes in it: the count is not.
    await wipeLiveState(world);
    world.advance(1000);
    const again = await world.person().goes(app.asks().url);
    await again.follows('Forgot your password?');
    await again.submits({ identifier: victim.identifier });
    await again.submits({ code: await world.codeSentTo(victim.identifier) });
    expect(again.status).toBe(429);
    world.advance(waitAfter(waits.reset_code, until));
    await again.submits({ code: await world.codeSentTo(victim.identifier) });
    expect(again.heading).toBe('Choose a new password');
  });
});
