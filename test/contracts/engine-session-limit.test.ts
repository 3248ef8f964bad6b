import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { seconds } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { untilWorks } from '../support/timing.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';

/** How many sessions an account may have (misuse case SE-15). */
describe.each(pairKinds)('a limit of three sessions on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    pair = await open({ SESSIONS_PER_ACCOUNT: '3' });
    world = pair.world;
    app = await openRelyingParty(world, { first_party: true });
  });
  afterAll(() => pair?.close());

  const isSignedIn = async (person: Person) => {
    await person.goes(app.asks({ prompt: 'none' }).url);
    return person.left?.searchParams.has('code') === true;
  };

  it('ends the one that is signed in for the longest, with what was given to it, and says so', async () => {
    const account = await world.account();
    const people: Person[] = [];
    const tokens: string[] = [];
    for (let place = 0; place < 5; place += 1) {
      const person = world.person();
      tokens.push((await app.signsIn(person, account)).access_token);
      people.push(person);
      world.advance(1 * seconds);
    }
    expect(await listSessions(world.services, account.accountId)).toHaveLength(3);
    const there = await Promise.all(people.map(isSignedIn));
    expect(there).toEqual([false, false, true, true, true]);
    const answers = await Promise.all(tokens.map((token) => app.userinfo(token)));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200, 200, 200]);
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 100 });
    expect(events.filter(({ type, actor }) => type === 'session.ended' && actor === 'system')).toHaveLength(
      2,
    );
  });

  it('counts a browser once, however often it signs in', async () => {
    const account = await world.account();
    const others = [world.person(), world.person()];
    for (const other of others) await app.signsIn(other, account);
    const person = world.person();
    for (let times = 0; times < 4; times += 1) {
      world.advance(2 * seconds);
      await app.signsIn(person, account, { prompt: 'login' });
    }
    expect(await listSessions(world.services, account.accountId)).toHaveLength(3);
    for (const other of others) expect(await isSignedIn(other)).toBe(true);
  });

  it('holds when eight sign in at the same moment, over two servers', async () => {
    const account = await world.account();
    for (let round = 0; round < 3; round += 1) {
      const resumes: { url: string; cookie: string }[] = [];
      for (let one = 0; one < 8; one += 1) resumes.push(await upToTheEnd(account));
      const answers = await Promise.all(
        resumes.map(({ url, cookie }, place) =>
          send(url, {
            headers: { cookie, accept: 'text/html' },
            port: place % 2 ? world.port : pair.beside.port,
          }),
        ),
      );
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      await untilWorks(2000, async () =>
        expect(await listSessions(world.services, account.accountId)).toHaveLength(3),
      );
    }
  });

  /** Everything is proved, and what is left is to go on. */
  async function upToTheEnd({ identifier, password }: TestAccount): Promise<{ url: string; cookie: string }> {
    const person = world.person();
    await person.goes(app.asks().url);
    const cookie = person.cookieHeader();
    const done = await send(`${person.url}/password`, {
      body: new URLSearchParams({ identifier, password }),
      headers: { cookie, 'sec-fetch-site': 'same-origin', 'x-forwarded-for': newAddress() },
    });
    return { url: String(done.headers.location), cookie };
  }
});
