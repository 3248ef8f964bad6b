import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { cutOffOthers } from '../../src/actions/end-other-sessions.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { endSession, listSessions } from '../../src/oidc/sessions.ts';
import type { OpenServices } from '../../src/services.ts';
import type { LiveStep } from '../../src/store/live.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { has, meanwhile, pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import type { TestAccount, World } from '../support/world.ts';

/**
 * What is being made while somebody ends it on another server (src/oidc/endings.ts): each step of the making meets the whole
 * ending, which is more than chance would bring about in years.
 */
describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let there: OpenServices;
  let ours: RelyingParty;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    there = pair.beside.services;
    ours = await openRelyingParty(world, { first_party: true });
  });
  afterAll(() => pair?.close());

  const reason = 'a test';
  type Ending = (who: { accountId: string; clientId: string }) => Promise<unknown>;
  const accountEndings: [string, Ending][] = [
    ['the account is suspended', ({ accountId }) => suspendAccount(there, { accountId, reason })],
    ['the account is locked', ({ accountId }) => lockAccount(there, { accountId, reason })],
    ['the account is removed', ({ accountId }) => removeAccount(there, { accountId, reason })],
    ['all sessions are ended', ({ accountId }) => endAccountSessions(there, { accountId })],
    ['the password changes', ({ accountId }) => cutOffOthers(there, { accountId, except: undefined })],
  ];

  const isSignedIn = async (person: Person) => {
    await person.goes(ours.asks({ prompt: 'none' }).url);
    return person.left?.searchParams.has('code');
  };

  describe.each(accountEndings)('when %s', (_, end) => {
    it.each([
      ['before the engine is told', has('replace', ':i')],
      ['before the session is listed', has('enlist', ':sessions')],
      ['before the session is written', has('add', ':s')],
      ['before the code is written', withCode],
    ])('a sign-in on another server leaves no session: %s', async (_when, step) => {
      const account = await world.account();
      const { accountId } = account;
      const person = world.person();
      await person.goes(ours.asks().url);
      const meeting = meanwhile(world, step, () => end({ accountId, clientId: ours.clientId }));
      await person.signsIn(account);
      expect(meeting.happened()).toBe(true);
      expect(person.left?.searchParams.get('code') ?? undefined).toBeUndefined();
      expect(person.status).toBeLessThan(500);
      expect(await listSessions(there, accountId)).toEqual([]);
      expect(await listGrants(there, accountId)).toEqual([]);
      expect(await isSignedIn(person)).toBe(false);
    });
  });

  it('the session that is to stay stays when all others end, and no sign-in comes between', async () => {
    const account = await world.account();
    const { accountId } = account;
    const kept = world.person();
    await ours.signsIn(kept, account);
    const [session] = await listSessions(there, accountId);
    const person = world.person();
    await person.goes(ours.asks().url);
    const meeting = meanwhile(world, has('enlist', ':sessions'), () =>
      cutOffOthers(there, { accountId, except: session?.uid }),
    );
    await person.signsIn(account);
    expect(meeting.happened()).toBe(true);
    expect((await listSessions(there, accountId)).map(({ uid }) => uid)).toEqual([session?.uid]);
    expect([await isSignedIn(kept), await isSignedIn(person)]).toEqual([true, false]);
    await ours.signsIn(world.person(), account);
    expect(await listSessions(there, accountId)).toHaveLength(2);
  });

  const appEndings: [string, Ending][] = [
    ['its person takes the consent back', (who) => withdrawConsent(there, who)],
    ['it is disabled', ({ clientId }) => disableClient(there, { clientId, reason })],
    ['it is removed', ({ clientId }) => removeClient(there, { clientId })],
  ];
  const lasting = { scope: 'openid offline_access' };

  describe.each(appEndings)('when an app loses access because %s', (_, end) => {
    it.each([
      ['before it is listed', has('enlist', ':grants')],
      ['before it is written', has('add', ':g')],
    ])('a grant that is made from the consent on another server is dead: %s', async (_when, step) => {
      const app = await openRelyingParty(world);
      const account = await world.account();
      const who = { accountId: account.accountId, clientId: app.clientId };
      await app.signsIn(world.person(), account, lasting);
      // Another browser: the decision is known, the grant is to be made from it.
      const person = world.person();
      await ours.signsIn(person, account);
      const attempt = app.asks(lasting);
      const meeting = meanwhile(world, step, () => end(who));
      await person.goes(attempt.url);
      expect(meeting.happened()).toBe(true);
      expect(person.status).toBeLessThan(500);
      expect(await grantsOf(account, app)).toEqual([]);
      const code = person.left?.searchParams.get('code');
      if (code) expect((await app.redeems(code, attempt)).status).toBeGreaterThan(399);
    });
  });

  const grantsOf = async ({ accountId }: TestAccount, { clientId }: RelyingParty) =>
    (await listGrants(there, accountId)).filter((grant) => grant.clientId === clientId);

  it.each([
    ['is listed', has('enlist', ':grants')],
    ['is written', has('add', ':g')],
    ['is noted in the session', has('replace', ':s')],
  ])('a session that ends before a grant for it %s takes the grant with it', async (_, step) => {
    const app = await openRelyingParty(world, { first_party: true });
    const account = await world.account();
    const person = world.person();
    await ours.signsIn(person, account);
    const [session] = await listSessions(there, account.accountId);
    const attempt = app.asks(lasting);
    const meeting = meanwhile(world, step, () =>
      endSession(there, { accountId: account.accountId, uid: String(session?.uid) }),
    );
    await person.goes(attempt.url);
    expect(meeting.happened()).toBe(true);
    expect([person.left, person.status]).toEqual([undefined, 400]);
    expect(await grantsOf(account, app)).toEqual([]);
    expect(await isSignedIn(person)).toBe(false);
  });

  it.each([
    ['by the direct way', ''],
    ['by the engine', '/'],
  ])(
    'a session that ends before a code is written gives none, though its grant lives on: %s',
    async (_, way) => {
      const app = await openRelyingParty(world);
      const account = await world.account();
      const person = world.person();
      const tokens = await app.signsIn(person, account, lasting);
      const [session] = await listSessions(there, account.accountId);
      const attempt = app.asks(lasting);
      attempt.url.pathname += way;
      const meeting = meanwhile(world, withCode, () =>
        endSession(there, { accountId: account.accountId, uid: String(session?.uid) }),
      );
      await person.goes(attempt.url);
      expect(meeting.happened()).toBe(true);
      expect(person.left?.searchParams.get('code') ?? undefined).toBeUndefined();
      expect(await grantsOf(account, app)).toHaveLength(1);
      expect((await app.refreshes(tokens.refresh_token)).status).toBe(200);
      await person.goes(attempt.url);
      expect(person.heading).toBe('Sign in');
    },
  );

  it('a decision on the consent page of a session that just ended makes no grant', async () => {
    const app = await openRelyingParty(world);
    const account = await world.account();
    const person = world.person();
    await ours.signsIn(person, account);
    const [session] = await listSessions(there, account.accountId);
    await person.goes(app.asks(lasting).url);
    const meeting = meanwhile(world, has('add', ':g'), () =>
      endSession(there, { accountId: account.accountId, uid: String(session?.uid) }),
    );
    await person.decides('allow');
    expect(meeting.happened()).toBe(true);
    expect(person.left).toBeUndefined();
    expect(person.status).toBeLessThan(500);
    expect(await grantsOf(account, app)).toEqual([]);
  });
});

function withCode(steps: readonly LiveStep[]): boolean {
  return steps.some(({ key }) => key.includes('}:c:'));
}
