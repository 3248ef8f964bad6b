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
    world = await openWorld({ HASH_QUEUE: '1' });
    app = await openRelyingParty(world, {
      first_party: true,
      grant_types: ['authorization_code', 'client_credentials'],
    });
    ana = await world.account();
  });
  afterAll(() => world.close());

  async function signInNow(password: string): Promise<Answer> {
    const person = await world.person().goes(app.asks().url);
    return send(`${person.url}/password`, {
      body: new URLSearchParams({ identifier: ana.identifier, password }),
      headers: {
        accept: 'text/html',
        cookie: person.cookieHeader(),
        'sec-fetch-site': 'same-origin',
        'x-forwarded-for': newAddress(),
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
});
