import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { cutOffOthers } from '../../src/actions/end-other-sessions.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { reinstateAccount } from '../../src/actions/reinstate-account.ts';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { unlockAccount } from '../../src/actions/unlock-account.ts';
import { readAsked } from '../../src/oidc/cross-device/asked-form.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { OpenServices } from '../../src/services.ts';
import type { LiveStep } from '../../src/store/live.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import * as televisions from '../support/televisions.ts';
import * as tills from '../support/tills.ts';
import { has, meanwhile, pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import type { TestAccount, World } from '../support/world.ts';

/**
 * Somebody allows what was asked on another device while their account is ended on another server (src/oidc/endings.ts). What
 * they give hangs on no session, so no session takes it along: each step of the making meets the whole ending.
 */
type Waiting = { person: Person; polls(): Promise<{ status: number }> };
type Kind = {
  name: string;
  app: Record<string, unknown>;
  asked(world: World, app: RelyingParty, by: TestAccount): Promise<Waiting>;
};

const device = {
  app: televisions.television,
  async asked(world: World, app: RelyingParty, account: TestAccount): Promise<Waiting> {
    const codes = await televisions.ask(app);
    const person = await televisions.atDevice(world, codes, account);
    return { person, polls: () => televisions.poll(app, codes) };
  },
};
const kinds: Kind[] = [
  { name: 'a device', ...device },
  { name: 'a device of the company itself', ...device, app: { ...device.app, first_party: true } },
  {
    name: 'an app that asked by name',
    app: tills.till,
    async asked(world, app, account) {
      const request = await tills.ask(app, { login_hint: account.identifier });
      const person = await tills.atRequest(world, app, account);
      return { person, polls: () => tills.poll(app, request) };
    },
  },
];

const reason = 'a test';
type Ending = (services: OpenServices, who: { accountId: string }) => Promise<unknown>;
/** What can be undone is undone: nothing but the ending itself is then in the way of what was made. */
const endings: [string, Ending][] = [
  [
    'the account is suspended, and reinstated',
    async (services, who) => {
      await suspendAccount(services, { ...who, reason });
      await reinstateAccount(services, { ...who, reason });
    },
  ],
  [
    'the account is locked, and unlocked',
    async (services, who) => {
      await lockAccount(services, { ...who, reason });
      await unlockAccount(services, { ...who, reason });
    },
  ],
  ['the account is removed', (services, who) => removeAccount(services, { ...who, reason })],
  ['all sessions are ended', (services, who) => endAccountSessions(services, who)],
  ['the password changes', (services, who) => cutOffOthers(services, { ...who, except: undefined })],
];

describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let there: OpenServices;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    there = pair.beside.services;
  });
  afterAll(() => pair?.close());

  describe.each(kinds)('what $name is allowed', ({ app: registered, asked }) => {
    let app: RelyingParty;
    beforeAll(async () => {
      app = await openRelyingParty(world, registered);
    });

    describe.each(endings)('is dead where %s', (_, end) => {
      it.each([
        ['before the answer is taken', has('replace', ':q')],
        ['before the grant is listed', has('enlist', ':grants')],
        ['before the grant is written', has('add', ':g')],
        ['before the app is told', isApproval],
      ])('%s', async (_when, step) => {
        const account = await world.account();
        const { accountId } = account;
        const { person, polls } = await asked(world, app, account);
        const meeting = meanwhile(world, step, () => end(there, { accountId }));
        await person.decides('allow');
        expect(meeting.happened()).toBe(true);
        expect(await listSessions(there, accountId)).toEqual([]);
        expect(await listGrants(there, accountId)).toEqual([]);
        expect(await polls()).toMatchObject({ status: 400 });
        expect(person.status).toBeLessThan(500);
      });
    });
  });
});

function isApproval(steps: readonly LiveStep[]): boolean {
  return (
    has('replace', ':q')(steps) &&
    steps.some((step) => 'value' in step && readAsked(step.value ?? '').grantId !== undefined)
  );
}
