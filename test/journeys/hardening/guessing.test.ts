import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tellOfFailures } from '../../../src/actions/watch-failures.ts';
import { listEvents } from '../../../src/audit/list.ts';
import { days, minutes } from '../../../src/kit/durations.ts';
import { triesOfKnownBrowser, waitAfter, waits } from '../../../src/limits/waits.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { wipeLiveState } from '../../support/wipe-live.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** Somebody guesses the password of an account: what he gets to try, and how its owner still gets in. */
const untilWait = waits.password.free + 1;
const untilOff = waits.password.offAfter ?? 0;
const wrong = 'incorrect-horse-battery';

describe.each(worldKinds)('who guesses a password, on $name', ({ open }) => {
  let world: World;
  let beside: World;
  let app: RelyingParty;
  beforeAll(async () => {
    // What an unusual sign-in is asked for beside the password is in risk-check.test.ts.
    world = await open({ CHALLENGE_BITS: '0', ADAPTIVE_CHECK: 'off' });
    beside = await openWorld({}, { beside: world });
    app = await openRelyingParty(world, { first_party: true });
  });
  afterAll(async () => {
    await beside.close();
    await world.close();
  });

  const atSignIn = (person: Person = world.person()) => person.goes(app.asks().url);

  /** One guess, from an address that nobody saw before. */
  async function guess(victim: TestAccount, password = wrong): Promise<Person> {
    const attacker = await atSignIn();
    return attacker.submits({ identifier: victim.identifier, password });
  }

  /** How many passwords of the account were looked at and found wrong. */
  async function lookedAt({ accountId }: TestAccount): Promise<number> {
    const events = await listEvents(world.services, {
      accountId,
      types: ['account.sign_in_failed'],
      limit: 1000,
    });
    return events.filter(({ detail }) => detail['reason'] === 'wrong_password').length;
  }

  /** Guesses as soon as each is looked at, until none is any more. */
  async function guessesUntilOff(victim: TestAccount): Promise<void> {
    for (let guessed = 0; guessed < untilOff; guessed += 1) {
      await guess(victim);
      world.advance(waitAfter(waits.password, guessed + 1));
    }
    expect(await lookedAt(victim)).toBe(untilOff);
  }

  it('waits longer after each wrong one, and the right one looks like them meanwhile (SI-03)', async () => {
    const victim = await world.account();
    for (let guessed = 0; guessed < untilWait; guessed += 1) await guess(victim);
    const during = await guess(victim, victim.password);
    const after = await guess(victim, wrong);
    expect([during.status, during.alert, during.left]).toEqual([after.status, after.alert, undefined]);
    expect(await lookedAt(victim)).toBe(untilWait);
    for (const wait of waits.password.steps) {
      world.advance(wait / 2);
      await guess(victim);
      world.advance(wait / 2 + 1);
      const before = await lookedAt(victim);
      await guess(victim);
      expect((await lookedAt(victim)) - before).toBe(1);
    }
    world.advance(15 * minutes);
    const owner = await guess(victim, victim.password);
    expect(owner.left).toBeDefined();
    // Signed in to the end: what was wrong before is forgotten.
    await guess(victim);
    expect((await guess(victim, victim.password)).left).toBeDefined();
  });

  it('gets no more looks out of fifty guesses at once on two processes than out of one after the other (RL-03)', async () => {
    const victim = await world.account();
    const who = await atSignIn();
    const body = new URLSearchParams({ identifier: victim.identifier, password: wrong });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        send(`${who.url}/password`, {
          body,
          port: at % 2 === 0 ? world.port : beside.port,
          headers: {
            accept: 'text/html',
            cookie: who.cookieHeader(),
            'sec-fetch-site': 'same-origin',
            'x-forwarded-for': newAddress(),
          },
        }),
      ),
    );
    // A machine that is busy turns some away, who were then not looked at.
    expect(answers.filter(({ status }) => status !== 400 && status !== 503)).toEqual([]);
    const looked = await lookedAt(victim);
    expect(looked).toBeGreaterThan(0);
    expect(looked).toBeLessThanOrEqual(untilWait);
  });

  it('wins nothing by the loss of the live state, in the middle of it', async () => {
    const victim = await world.account();
    for (let guessed = 0; guessed < untilWait; guessed += 1) await guess(victim);
    await wipeLiveState(world);
    for (let guessed = 0; guessed < 3; guessed += 1) await guess(victim);
    expect((await guess(victim, victim.password)).left).toBeUndefined();
    expect(await lookedAt(victim)).toBe(untilWait);
    // Nor by a server that starts anew.
    const later = await openWorld({}, { beside: world });
    const attacker = await later.person().goes(app.asks().url);
    await attacker.submits({ identifier: victim.identifier, password: victim.password });
    expect(attacker.left).toBeUndefined();
    await later.close();
  });

  it('switches the password off after fifty, without a sign of it; its owner is told and recovers by a reset (SI-03)', async () => {
    const victim = await world.account();
    const common = await guess(victim);
    await guessesUntilOff(victim);
    await wipeLiveState(world);
    world.advance(30 * days);
    const owner = await guess(victim, victim.password);
    expect([owner.status, owner.alert, owner.left]).toEqual([common.status, common.alert, undefined]);

    expect(await tellOfFailures(world.services)).toBe(1);
    expect(await tellOfFailures(beside.services)).toBe(0);
    const [message] = await world.outbox();
    expect(message).toMatchObject({ to: victim.identifier });
    expect(message?.subject).toBe('Signing in with your Latchkey password was stopped');
    const off = await listEvents(world.services, {
      accountId: victim.accountId,
      types: ['password.off'],
      limit: 5,
    });
    expect(off).toHaveLength(1);

    await owner.follows('Forgot your password?');
    await owner.submits({ identifier: victim.identifier });
    await owner.submits({ code: await world.codeSentTo(victim.identifier) });
    await owner.submits({ password: 'nine-tidy-harbours' });
    expect(owner.left).toBeDefined();
    const elsewhere = await guess(victim, 'nine-tidy-harbours');
    expect(elsewhere.left).toBeDefined();
  });

  it('does not keep its owner out of a browser that signed in before, nor gets fresh guesses by it (SI-07)', async () => {
    const victim = await world.account();
    const owner = await atSignIn();
    await owner.signsIn(victim);
    expect(owner.left).toBeDefined();
    await guessesUntilOff(victim);
    // The attacker goes on, and the owner signs in all the same, typing wrong once.
    await guess(victim);
    owner.cookies.setCookieSync('latchkey-session=; Max-Age=0; Path=/', world.issuer);
    await atSignIn(owner);
    await owner.submits({ identifier: victim.identifier, password: wrong });
    await owner.signsIn(victim);
    expect(owner.left).toBeDefined();
    expect((await guess(victim, victim.password)).left).toBeUndefined();

    // Signed in, he sees what happened, and a new password makes it good everywhere.
    await owner.goes(`${world.issuer}/account`);
    expect(owner.text).toContain('turned off on browsers that you did not use before');
    await owner.goes(`${world.issuer}/account/password`);
    await owner.submits({ password: victim.password, new_password: 'nine-tidy-harbours' });
    await owner.goes(`${world.issuer}/account`);
    expect(owner.text).not.toContain('turned off');
    expect((await guess(victim, 'nine-tidy-harbours')).left).toBeDefined();
  });

  it('keeps hammering while the owner signs in at a known browser, and stays limited (SI-07)', async () => {
    const victim = await world.account();
    const owner = await atSignIn();
    await owner.signsIn(victim);
    for (let guessed = 0; guessed < untilWait + 3; guessed += 1) {
      await guess(victim);
      world.advance(waitAfter(waits.password, guessed + 1));
    }
    const before = await lookedAt(victim);
    await guess(victim);
    owner.cookies.setCookieSync('latchkey-session=; Max-Age=0; Path=/', world.issuer);
    await atSignIn(owner);
    await owner.signsIn(victim);
    expect(owner.left).toBeDefined();
    for (let guessed = 0; guessed < 5; guessed += 1) await guess(victim);
    expect((await lookedAt(victim)) - before).toBe(1);
  });

  it('has a few tries with a stolen cookie of a known browser, then those of everybody', async () => {
    const victim = await world.account();
    const owner = await atSignIn();
    await owner.signsIn(victim);
    for (let guessed = 0; guessed < untilWait; guessed += 1) await guess(victim);
    const thief = world.person();
    const cookie = owner.cookies.getCookiesSync(world.issuer).find(({ key }) => key === 'known-browser');
    await thief.cookies.setCookie(String(cookie), world.issuer);
    for (let guessed = 0; guessed < triesOfKnownBrowser + 4; guessed += 1) {
      await atSignIn(thief);
      await thief.submits({ identifier: victim.identifier, password: wrong });
    }
    expect(await lookedAt(victim)).toBe(untilWait + triesOfKnownBrowser);
    // The cookie is for one account: at another it is a stranger's.
    const other = await world.account();
    for (let guessed = 0; guessed < untilWait + 2; guessed += 1) {
      await atSignIn(thief);
      await thief.submits({ identifier: other.identifier, password: wrong });
    }
    expect(await lookedAt(other)).toBe(untilWait);
  });

  it('finds the cookie of a known browser to be a good one: opaque, for us alone, and lived by', async () => {
    const ana = await world.account();
    const owner = await atSignIn();
    await owner.signsIn(ana);
    const line = owner.setCookies.find((one) => one.startsWith('known-browser='));
    expect(line).toMatch(
      /^known-browser=[\w-]{22}\.[\w-]{43}; Path=\/; Max-Age=15552000; SameSite=Lax; HttpOnly$/,
    );
    expect(line).not.toContain(ana.accountId);
  });
});
