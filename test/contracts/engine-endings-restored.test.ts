import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { cutOffOthers } from '../../src/actions/end-other-sessions.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { hours, seconds } from '../../src/kit/durations.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { ask, atDevice, poll, television } from '../support/televisions.ts';
import { has, meanwhile } from '../support/two-worlds.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * A live state that was brought back from a backup has sessions in it that ended since. The moment stands in the account's
 * record, and our own pages ask it as an authorization request does (authorize-direct-endings.test.ts).
 */
describe.each(worldKinds)('a session that ended and came back on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const reason = 'a test';
  const endings: [string, (who: { accountId: string }) => Promise<unknown>][] = [
    ['all sessions were ended', (who) => endAccountSessions(world.services, who)],
    ['the password changed', (who) => cutOffOthers(world.services, { ...who, except: 'another' })],
    ['the account is suspended', (who) => suspendAccount(world.services, { ...who, reason })],
  ];
  type End = (typeof endings)[number][1];

  async function signedIn(): Promise<{ account: TestAccount; person: Person }> {
    const account = await world.account();
    const person = world.person();
    await person.goes(`${world.issuer}/account`);
    await person.signsIn(account);
    expect(person.path).toBe('/account');
    return { account, person };
  }

  /** Ended as ever, and then in the store as it was before. */
  async function endsAndComesBack({ accountId }: TestAccount, end: End): Promise<void> {
    const { live } = world.services;
    const [session] = await listSessions(world.services, accountId);
    const uid = String(session?.uid);
    const [entry] = await live.read([layout.session(uid)]);
    // Sessions know when they began to the second.
    world.advance(2 * seconds);
    await end({ accountId });
    expect(await listSessions(world.services, accountId)).toEqual([]);
    const kept = { key: layout.session(uid), value: String(entry?.value), ttlMs: 1 * hours };
    await live.commit([{ do: 'put', ...kept }]);
    const index = { key: layout.accountSessions(accountId), member: uid, expiresAt: Date.now() + 1 * hours };
    await live.commit([{ do: 'enlist', ...index }]);
    expect(await listSessions(world.services, accountId)).toHaveLength(1);
  }

  describe.each(endings)('where %s', (_, end) => {
    it.each(['/account', '/account/password', '/account/requests'])(
      'opens no page of ours: %s',
      async (at) => {
        const { account, person } = await signedIn();
        await endsAndComesBack(account, end);
        await person.goes(`${world.issuer}${at}`);
        expect([person.heading, person.status]).toEqual(['Sign in', 200]);
      },
    );

    it.each([true, false])('lets no device in, of the company itself: %s', async (first_party) => {
      const app = await openRelyingParty(world, { ...television, first_party });
      const { account, person } = await signedIn();
      const codes = await ask(app);
      await atDevice(world, codes, account, person);
      const meeting = meanwhile(world, has('replace', ':q'), () => endsAndComesBack(account, end));
      await person.decides('allow');
      expect([meeting.happened(), person.status]).toEqual([true, 409]);
      expect(await listGrants(world.services, account.accountId)).toEqual([]);
      expect(await poll(app, codes)).toMatchObject({ status: 400 });
    });

    it('decides on no consent page', async () => {
      const app = await openRelyingParty(world);
      const { account, person } = await signedIn();
      await person.goes(app.asks({ scope: 'openid offline_access' }).url);
      expect(person.heading).toContain(app.name);
      const meeting = meanwhile(world, has('replace', ':i'), () => endsAndComesBack(account, end));
      await person.decides('allow');
      expect([meeting.happened(), person.left]).toEqual([true, undefined]);
      expect(person.status).toBeLessThan(500);
      expect(await listGrants(world.services, account.accountId)).toEqual([]);
    });
  });
});
