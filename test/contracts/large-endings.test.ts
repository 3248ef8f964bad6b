import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../clients/registry/registry.ts';
import { findAccount } from '../../src/accounts/account.ts';
import { disableClient, enableClient } from '../../src/actions/disable-client.ts';
import { cutOffOthers } from '../../src/actions/end-other-sessions.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { reinstateAccount } from '../../src/actions/reinstate-account.ts';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { unlockAccount } from '../../src/actions/unlock-account.ts';
import { type LiveStep, mostInPage, StoreUnavailable } from '../../src/store/live.ts';
import { goesAway } from '../support/cut-short.ts';
import { addGrants, whatIsLeft } from '../support/many-grants.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { untilWorks } from '../support/timing.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** What ends an app or an account goes through indexes that may list a million: here, far more than a page of one. */
const many = 3 * mostInPage + 100;
const reason = 'a test';
const takesGrant = (steps: readonly LiveStep[]) =>
  steps.some((step) => step.do === 'take' && step.key.endsWith('}:g'));

describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  const newApp = () => openRelyingParty(world, { grant_types: ['authorization_code', 'client_credentials'] });
  const nothing = { grants: 0, listed: 0 };

  type Ending = (who: { accountId: string; clientId: string }) => Promise<unknown>;
  const ofApp: [string, Ending][] = [
    ['an app is disabled', ({ clientId }) => disableClient(world.services, { clientId, reason })],
    ['an app is removed', ({ clientId }) => removeClient(world.services, { clientId })],
  ];
  const ofAccount: [string, Ending][] = [
    ['an account is suspended', ({ accountId }) => suspendAccount(world.services, { accountId, reason })],
    ['an account is locked', ({ accountId }) => lockAccount(world.services, { accountId, reason })],
    ['an account is removed', ({ accountId }) => removeAccount(world.services, { accountId, reason })],
    ['a password is changed', ({ accountId }) => cutOffOthers(world.services, { accountId, except: 'mine' })],
  ];

  async function manyOf(which: 'app' | 'account') {
    const [app, account] = [await newApp(), await world.account()];
    const who = { accountId: account.accountId, clientId: app.clientId };
    const owner = which === 'app' ? { clientId: who.clientId } : { accountId: who.accountId };
    return { app, who, grants: await addGrants(world, owner, many) };
  }

  it.each([
    ...ofApp.map(([name, end]) => ['app', name, end] as const),
    ...ofAccount.map(([name, end]) => ['account', name, end] as const),
  ])('%s: all of them end when %s, in small steps, and others have their turn', async (which, _, end) => {
    const { who, grants } = await manyOf(which);
    const beside = await addGrants(world, {}, 3);
    const { live } = world.services;
    const { commit, members } = live;
    const most = { steps: 0, atOnce: 0, page: 0 };
    let underWay = 0;
    live.commit = async (steps) => {
      underWay += 1;
      most.steps = Math.max(most.steps, steps.length);
      most.atOnce = Math.max(most.atOnce, underWay);
      return commit(steps).finally(() => {
        underWay -= 1;
      });
    };
    live.members = async (...given) => {
      const page = await members(...given);
      most.page = Math.max(most.page, page.members.length);
      return page;
    };
    const [over, turns] = [end(who), { taken: 0 }];
    const ended = over.then(() => true);
    while (!(await Promise.race([ended, nextTurn(false)]))) turns.taken += 1;
    Object.assign(live, { commit, members });
    await over;
    expect(most.steps).toBeLessThanOrEqual(mostInPage);
    expect(most.page).toBeLessThanOrEqual(mostInPage);
    expect(most.atOnce).toBeLessThanOrEqual(100);
    expect(turns.taken).toBeGreaterThan(many / 100);
    expect(await whatIsLeft(world, grants)).toEqual(nothing);
    expect(await whatIsLeft(world, beside)).toEqual({ grants: 3, listed: 6 });
  });

  describe.each(ofApp)('where %s and the live state goes away on the way', (_, end) => {
    it('leaves an app that is stopped, and a repeat finishes', async () => {
      const { app, who, grants } = await manyOf('app');
      const token = () => app.posts('token', { grant_type: 'client_credentials' });
      expect((await token()).status).toBe(200);
      const outage = goesAway(world, { after: mostInPage + 10, of: takesGrant });
      await expect(end(who)).rejects.toThrow(StoreUnavailable);
      outage.comesBack();
      const left = await whatIsLeft(world, grants);
      expect(left.grants).toBeLessThan(many - mostInPage);
      expect(left.grants).toBeGreaterThan(0);
      await untilWorks(2000, async () => expect((await token()).status).toBe(401));
      await end(who);
      expect(await whatIsLeft(world, grants)).toEqual(nothing);
    });

    it('leaves nothing to live again, should the app be enabled before it is repeated', async () => {
      const { who, grants } = await manyOf('app');
      const outage = goesAway(world, { after: 10, of: takesGrant });
      await expect(end(who)).rejects.toThrow(StoreUnavailable);
      outage.comesBack();
      await enableClient(world.services, who);
      expect(await whatIsLeft(world, grants)).toEqual(nothing);
      expect(await findClient(world.services, who.clientId)).toMatchObject({
        disabledAt: undefined,
        removingSince: undefined,
      });
    });
  });

  it.each([
    ['suspended', ofAccount[0]?.[1], reinstateAccount],
    ['locked', ofAccount[1]?.[1], unlockAccount],
  ])(
    'an account that is %s is so although the live state goes away on the way, and nothing lives again',
    async (_, end, letIn) => {
      const { who, grants } = await manyOf('account');
      const outage = goesAway(world, { after: mostInPage + 10, of: takesGrant });
      await expect(end?.(who)).rejects.toThrow(StoreUnavailable);
      outage.comesBack();
      const account = await findAccount(world.services, who.accountId);
      expect(account?.suspendedAt ?? account?.lockedAt).toEqual(expect.any(Number));
      await letIn(world.services, { accountId: who.accountId, reason });
      expect(await whatIsLeft(world, grants)).toEqual(nothing);
    },
  );
});
