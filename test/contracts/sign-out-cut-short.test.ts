import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signOutBefore } from '../../src/accounts/account.ts';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { endOtherSessions } from '../../src/actions/end-other-sessions.ts';
import { listEvents } from '../../src/audit/list.ts';
import { seconds } from '../../src/kit/durations.ts';
import { startServer } from '../../src/main.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { limitSessions } from '../../src/oidc/session-limit.ts';
import { finishEndings } from '../../src/oidc/sign-out/finish-endings.ts';
import type { OpenServices } from '../../src/services.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { allMembers } from '../../src/store/live-members.ts';
import { cutShort } from '../support/cut-short.ts';
import { sendsAlone } from '../support/lone-form.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import {
  onlyLasting,
  type TwoApps,
  type UsedSession,
  useSession,
  whatRemains,
} from '../support/session-remains.ts';
import { untilWorks } from '../support/timing.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';

/**
 * A sign-out that the live state cuts short, at each of its commits in turn. Whoever repeats it, on another server too, and
 * is told that it is done, is told the truth; and where nobody repeats it, it is finished all the same.
 */
describe.each(pairKinds)('a sign-out that is cut short on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let apps: TwoApps;
  let account: TestAccount;
  let another: TestAccount;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    const [bound, lasting] = await Promise.all(
      [1, 2].map(() => openRelyingParty(world, { first_party: true })),
    );
    if (bound && lasting) apps = { bound, lasting };
    [account, another] = [await world.account(), await world.account()];
  });
  afterAll(() => pair?.close());

  type Asks = (node: World) => Promise<{ status: number }>;
  type Way = (used: UsedSession) => Promise<Asks>;
  type Row = [name: string, way: Way, leaves?: string[]];

  const posts = (person: Person, page: string, form: Record<string, string> = {}): Asks => {
    return ({ port }) => sendsAlone(person, { page, form, port });
  };
  const byVerb = (verb: (node: World) => Promise<unknown>): Asks => {
    return async (node) => {
      try {
        await verb(node);
        return { status: 303 };
      } catch (error) {
        if (error instanceof StoreUnavailable) return { status: 503 };
        throw error;
      }
    };
  };

  const ways: Row[] = [
    ['on the account page', async ({ person }) => posts(person, '/account/sign-out')],
    [
      'at the wish of an app',
      async ({ person }) => {
        await person.goes(`${world.issuer}/logout?client_id=${apps.bound.clientId}`);
        const [form] = person.html.forms.filter(({ action }) => action.includes('/logout/confirm'));
        const xsrf = form?.controls.find(({ name }) => name === 'xsrf')?.value ?? '';
        return posts(person, '/logout/confirm', { xsrf, logout: 'yes' });
      },
    ],
    [
      'from the list on another browser',
      async ({ uid }) => {
        const other = world.person();
        await apps.bound.signsIn(other, account);
        await other.goes(`${world.issuer}/account`);
        return posts(other, `/account/sessions/${uid}/end`);
      },
    ],
    [
      'of all others from another browser',
      async ({ uid }) => {
        const { accountId } = account;
        return byVerb(({ services }) => endOtherSessions(services, { accountId, except: `not ${uid}` }));
      },
      // Whoever signs out everywhere takes all that apps have back.
      [],
    ],
    [
      'by an operator',
      async ({ uid }) => {
        const { accountId } = account;
        return byVerb(({ services }) => endAccountSessions(services, { accountId, uid }));
      },
    ],
    [
      'because somebody else signs in on the browser',
      async ({ person }) => {
        await person.goes(apps.bound.asks({ prompt: 'login' }).url);
        const { identifier, password } = another;
        return posts(person, `${person.path}/password`, { identifier, password });
      },
    ],
  ];

  /** At each commit in turn, until there is none left. Each of another person: what was cut short may go on by itself. */
  async function eachCut(
    way: Way,
    heard: boolean,
    look: (used: UsedSession, asks: Asks, cut: { place: number; status: number }) => Promise<void>,
  ): Promise<number> {
    for (let place = 1; place < 40; place += 1) {
      account = await world.account();
      const used = await useSession(pair, apps, account);
      const asks = await way(used);
      const cut = cutShort(world, { place, heard });
      const { status } = await asks(world).finally(cut.mended);
      if (!cut.happened()) return place - 1;
      await look(used, asks, { place, status });
    }
    throw new Error('a sign-out has no end');
  }

  const remains = (used: UsedSession) => whatRemains(pair, apps, used);

  describe.each([
    ['before it is done', false],
    ['when it is done and the reply is lost', true],
  ])('at each commit, %s', (_, heard) => {
    it.each(ways)(
      'is finished by its repetition on another server: %s',
      async (_name, way, leaves = onlyLasting) => {
        const cuts = await eachCut(way, heard, async (used, asks, { place, status }) => {
          const left = async () => ({ place, remains: await remains(used) });
          if (status !== 503) expect(await left()).toEqual({ place, remains: leaves });
          const again = await asks(pair.beside);
          expect(await left()).toEqual({ place, remains: leaves });
          // What was there no more is not found on a list (404); nothing else was wrong with asking for it twice.
          expect([200, 303, 404]).toContain(again.status);
        });
        expect(cuts).toBeGreaterThan(5);
      },
    );
  });

  const prompt = 'none';
  it.each<[string, () => URL | string]>([
    ['an account page', () => `${world.issuer}/account`],
    ['the sign-out of an app', () => `${world.issuer}/logout?client_id=${apps.bound.clientId}`],
    ['a request of an app', () => apps.bound.asks({ prompt }).url],
  ])('is finished before the same browser hears from %s that nobody is signed in', async (_, address) => {
    const [[, way] = []] = ways;
    await eachCut(way as Way, false, async (used, _asks, { place }) => {
      const [session] = await world.services.live.read([layout.session(used.uid)]);
      if (session) return;
      const { headers } = await send(address(), { headers: { cookie: used.cookie }, port: pair.beside.port });
      expect(headers.location).toMatch(/^\/authorize|^\/logout\/|login_required/);
      expect({ place, remains: await remains(used) }).toEqual({ place, remains: onlyLasting });
    });
  });

  it('of one session too many is finished by the next look, or by itself', async () => {
    const way: Way = async () => {
      world.advance(1 * seconds);
      await apps.bound.signsIn(world.person(), account);
      const { accountId } = account;
      return byVerb(({ services }) => limitSessions(withLimit(services, 1), accountId));
    };
    const cuts = await eachCut(way, false, async (used, asks) => {
      await asks(pair.beside);
      world.advance(11 * seconds);
      await finishEndings(pair.beside.services);
      expect(await remains(used)).toEqual(onlyLasting);
    });
    expect(cuts).toBeGreaterThan(5);
  });

  it('finishes by itself where nobody comes again, unless it had not begun', async () => {
    const [[, way] = []] = ways;
    const cuts = await eachCut(way as Way, false, async (used, _asks, { place }) => {
      const untouched = place === 1;
      world.advance(11 * seconds);
      await finishEndings(pair.beside.services);
      const left = await remains(used);
      if (untouched) return expect(left).toContain('the cookie');
      expect({ place, left }).toEqual({ place, left: onlyLasting });
      const events = await listEvents(world.services, { accountId: account.accountId, limit: 5 });
      expect(events.filter(({ type }) => /signed_out|session.ended/.test(type))).not.toEqual([]);
      const { live } = world.services;
      expect(await allMembers({ live }, layout.endings)).toEqual([]);
      expect((await live.read([layout.sessionEnded(used.uid)]))[0]?.value ?? '').toBe('');
    });
    expect(cuts).toBeGreaterThan(5);
  });

  it('is finished by any server that starts, where the one that began it is gone', async () => {
    const used = await useSession(pair, apps, account);
    const cut = cutShort(world, { place: 3, heard: false });
    const { status } = await posts(used.person, '/account/sign-out')(world).finally(cut.mended);
    expect(status).toBe(503);
    // Younger ones are still under way, for all that another server knows.
    await finishEndings(pair.beside.services);
    expect(await allMembers(world.services, layout.endings)).toHaveLength(1);
    world.advance(11 * seconds);
    const server = await startServer({ ...world.environment, PORT: '0' });
    try {
      await untilWorks(10_000, async () =>
        expect(await allMembers(world.services, layout.endings)).toEqual([]),
      );
      expect(await remains(used)).toEqual(onlyLasting);
    } finally {
      await server.stop();
    }
  });

  it.each<[string, (used: UsedSession) => Promise<unknown>]>([
    [
      'that lets nobody in any more',
      async () => {
        world.advance(2 * seconds);
        const { accountId } = account;
        await signOutBefore(world.services, { accountId, before: Date.now(), except: undefined });
      },
    ],
    [
      'that its account lists no more',
      async ({ uid }) => {
        const key = layout.accountSessions(account.accountId);
        await world.services.live.commit([{ do: 'strike', key, member: uid }]);
      },
    ],
  ])('ends a session %s, for another ending was cut short', async (_, happens) => {
    const used = await useSession(pair, apps, account);
    await happens(used);
    expect(await remains(used)).toContain('token: bound');
    expect((await posts(used.person, '/account/sign-out')(pair.beside)).status).toBe(303);
    expect(await remains(used)).toEqual(onlyLasting);
  });
});

function withLimit(services: OpenServices, SESSIONS_PER_ACCOUNT: number): OpenServices {
  return { ...services, settings: { ...services.settings, SESSIONS_PER_ACCOUNT } };
}
