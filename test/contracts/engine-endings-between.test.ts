import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { OpenServices } from '../../src/services.ts';
import type { LiveKey } from '../../src/store/live.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { afterReading, pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import type { TestAccount, World } from '../support/world.ts';

/**
 * The mirror of engine-endings.test.ts: the ending has looked through its index, and before it does anything else somebody comes
 * in on another server, up to the tokens. What came so must be dead when the ending is done (src/oidc/endings.ts): by an ending
 * after the decision, or because the decision was there before.
 */
describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let there: OpenServices;
  let ours: RelyingParty;
  let server: RelyingParty;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    there = pair.beside.services;
    ours = await openRelyingParty(world, { first_party: true });
    server = await openRelyingParty(world, { redirect_uris: [], resource_server: '*' });
  });
  afterAll(() => pair?.close());

  const reason = 'a test';
  const lasting = { scope: 'openid offline_access' };
  type Who = { accountId: string; clientId: string };
  type Ending = (who: Who) => Promise<unknown>;
  type Came = { person: Person; access: string | undefined; refresh: string | undefined };

  /** As far as they get: the app may be stopped by now, or the account. */
  async function comesIn(app: RelyingParty, account: TestAccount, person = world.person()): Promise<Came> {
    const attempt = app.asks(lasting);
    await person.goes(attempt.url);
    if (!person.left && person.heading === 'Sign in') await person.signsIn(account);
    const code = person.left?.searchParams.get('code');
    const { json } = code ? await app.redeems(code, attempt) : { json: {} as Record<string, unknown> };
    return {
      person,
      access: json['access_token'] as string | undefined,
      refresh: json['refresh_token'] as string | undefined,
    };
  }

  /** The ending, with somebody who comes in when it has read this index. */
  async function ends(
    end: Ending,
    { who, index, come }: { who: Who; index: LiveKey; come: () => Promise<Came> },
  ): Promise<Came> {
    let came: Came | undefined;
    const meeting = afterReading(
      there,
      (key) => key === index,
      async () => {
        came = await come();
      },
    );
    await end(who);
    expect(meeting.happened()).toBe(true);
    if (!came) throw new Error('nobody came');
    return came;
  }

  async function expectDead(app: RelyingParty, { accountId }: TestAccount, came: Came) {
    expect((await listGrants(there, accountId)).filter(({ clientId }) => clientId === app.clientId)).toEqual(
      [],
    );
    for (const token of [came.access, came.refresh].filter((one) => one !== undefined))
      expect(await server.introspects(token)).toEqual({ active: false });
    if (came.access) expect((await app.userinfo(came.access)).status).toBe(401);
    if (came.refresh) expect((await app.refreshes(came.refresh)).status).toBeGreaterThan(399);
  }

  it.each<[string, Ending, 'account' | 'client']>([
    ['its person takes the consent back', (who) => withdrawConsent(there, who), 'account'],
    ['it is disabled', ({ clientId }) => disableClient(there, { clientId, reason }), 'client'],
    ['it is removed', ({ clientId }) => removeClient(there, { clientId }), 'client'],
  ])('an app has no access from a sign-in that comes between, when %s', async (_, end, by) => {
    const app = await openRelyingParty(world);
    const account = await world.account();
    const who = { accountId: account.accountId, clientId: app.clientId };
    await app.signsIn(world.person(), account, lasting);
    const person = world.person();
    await ours.signsIn(person, account);
    const index = by === 'account' ? layout.accountGrants(who.accountId) : layout.clientGrants(who.clientId);
    const came = await ends(end, { who, index, come: () => comesIn(app, account, person) });
    await expectDead(app, account, came);
  });

  it.each<[string, Ending]>([
    ['suspended', ({ accountId }) => suspendAccount(there, { accountId, reason })],
    ['locked', ({ accountId }) => lockAccount(there, { accountId, reason })],
    ['removed', ({ accountId }) => removeAccount(there, { accountId, reason })],
  ])('an account that is %s has nothing from a sign-in that comes between', async (_, end) => {
    const app = await openRelyingParty(world, { first_party: true });
    const account = await world.account();
    const who = { accountId: account.accountId, clientId: app.clientId };
    const index = layout.accountGrants(who.accountId);
    const came = await ends(end, { who, index, come: () => comesIn(app, account) });
    await expectDead(app, account, came);
    expect(await listSessions(there, who.accountId)).toEqual([]);
    await came.person.goes(ours.asks({ prompt: 'none' }).url);
    expect(came.person.left?.searchParams.has('code') ?? false).toBe(false);
  });
});
