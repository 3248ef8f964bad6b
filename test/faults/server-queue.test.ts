import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { timed } from '../support/timing.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** More people sign in at once than passwords can be hashed (misuse case SI-15, reliability F20). */
describe('while more passwords come than can be hashed', () => {
  let world: World;
  let app: RelyingParty;
  let ana: TestAccount;
  beforeAll(async () => {
    // The proof of work, which such a crowd brings about, is another test's.
    world = await openWorld({ HASH_QUEUE: '1', CHALLENGE_BITS: '0' });
    app = await openRelyingParty(world, {
      first_party: true,
      grant_types: ['authorization_code', 'client_credentials'],
    });
    ana = await world.account();
  });
  afterAll(() => world.close());

  async function signInNow(password: string, address = newAddress()): Promise<Answer> {
    const person = await world.person({ address }).goes(app.asks().url);
    return send(`${person.url}/password`, {
      body: new URLSearchParams({ identifier: ana.identifier, password }),
      headers: {
        accept: 'text/html',
        cookie: person.cookieHeader(),
        'sec-fetch-site': 'same-origin',
        'x-forwarded-for': address,
      },
    });
  }

  it('who does not fit in is asked to come again, and apps get their tokens as ever', async () => {
    const many = Array.from({ length: 50 }, () => signInNow(ana.password));
    const tokens = Array.from({ length: 10 }, () =>
      timed(() => app.posts('token', { grant_type: 'client_credentials' })),
    );
    const health = timed(() => send(`${world.issuer}/healthz`));
    const answers = await Promise.all(many);
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => ![303, 503].includes(status))).toEqual([]);
    // Both happened, or nothing was shown here.
    expect(statuses).toEqual(new Set([303, 503]));
    for (const { status, headers, text } of answers)
      if (status === 503) {
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        expect(text).toContain('name="latchkey-error" content="unavailable"');
      }
    for (const { value } of await Promise.all(tokens)) expect((value as Answer).status).toBe(200);
    expect(((await health).value as Answer).status).toBe(200);
    // Being turned away is not a wrong password: nobody is throttled by it.
    expect((await signInNow(ana.password)).status).toBe(303);
  });

  /** Nothing can be hashed until the answer is called. */
  async function fillQueue(): Promise<() => void> {
    const { hashQueue } = world.services;
    let release = () => {};
    const blocked = new Promise<void>((done) => {
      release = done;
    });
    for (;;) {
      try {
        void hashQueue.run(() => blocked);
        if (hashQueue.load().waiting > 0) return release;
      } catch {
        return release;
      }
    }
  }

  it("being turned away uses up nobody's tries, neither at a password nor at signing up", async () => {
    const address = newAddress();
    const signUp = world.person({ address });
    await signUp.goes(app.asks().url);
    await signUp.goes(`${signUp.url}/sign-up`);
    const release = await fillQueue();
    try {
      const statuses: number[] = [];
      for (let times = 0; times < 60; times += 1)
        statuses.push((await signInNow(ana.password, address)).status);
      expect(new Set(statuses)).toEqual(new Set([503]));
      for (let times = 0; times < 25; times += 1) {
        await signUp.goes(`${signUp.url.replace(/\/sign-up$/, '')}/sign-up`);
        await signUp.submits({ name: 'Bea', identifier: 'bea@example.com', password: 'a long new password' });
        expect(signUp.status).toBe(503);
      }
    } finally {
      release();
    }
    expect((await signInNow(ana.password, address)).status).toBe(303);
    await signUp.goes(`${signUp.url.replace(/\/sign-up$/, '')}/sign-up`);
    await signUp.submits({ name: 'Bea', identifier: 'bea@example.com', password: 'a long new password' });
    expect(signUp.status).toBe(200);
    expect(await world.codeSentTo('bea@example.com')).toMatch(/^\d{6}$/);
  });
});
