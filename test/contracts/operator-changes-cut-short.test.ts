import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addAccount } from '../../src/accounts/account.ts';
import { changeClient } from '../../src/actions/change-client.ts';
import { createAccount } from '../../src/actions/create-account.ts';
import { listEvents } from '../../src/audit/list.ts';
import { verifyPassword } from '../../src/credentials/password.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { type LiveStep, StoreUnavailable } from '../../src/store/live.ts';
import { aGrant, anAccount, anApp, aSession, password } from '../support/account-in-use.ts';
import { isSilentAt } from '../support/cut-short.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';
import { until } from '../support/timing.ts';

/**
 * What the records have by the time the live state goes away is told of and is whole, for a repetition finds nothing left to
 * do; and what it ends has ended as soon as the live state is back.
 */
describe('a change of an app or an account while the live state is away', () => {
  let services: TestServices;
  beforeAll(async () => {
    services = await openTestServices();
  });
  afterAll(() => services.close());

  it('is told of when an app knows people by other names, and what was given meanwhile ends', async () => {
    const clientId = await anApp(services, 'Kites');
    const accountId = await anAccount(services);
    const generation = layout.generation(layout.clientGrants(clientId));
    let endings = 0;
    const silent = isSilentAt({ services }, (steps: readonly LiveStep[]) => {
      if (!steps.some((step) => step.do === 'put' && step.key === generation)) return false;
      endings += 1;
      return endings > 1;
    });
    const changes = { redirect_uris: ['https://kites.example/cb'] };
    const told = changeClient(services, { clientId, changes, actor: 'client' });
    await expect(told).rejects.toThrow(StoreUnavailable);
    await aGrant(services, accountId, clientId);
    silent.comesBack();
    expect(await listEvents(services, { clientId, types: ['client.updated'], limit: 9 })).toHaveLength(1);
    await until(async () => (await listGrants(services, accountId)).length === 0);
  });

  it('leaves a new account with its password, and who lost the address to it is out', async () => {
    const email = 'kite@example.com';
    const claimed = { channel: 'email', address: email, written: email } as const;
    const before = await addAccount(services, {
      profile: { name: 'Bea' },
      contacts: [{ ...claimed, verified: false }],
    });
    if (!before.ok) throw new Error(before.reason);
    await aSession(services, before.accountId);
    const silent = isSilentAt({ services }, () => true);
    const contacts = [{ ...claimed, verified: true }];
    const told = createAccount(services, { profile: { name: 'Kit' }, contacts, password });
    await expect(told).rejects.toThrow(StoreUnavailable);
    silent.comesBack();
    const [created] = await listEvents(services, { types: ['account.created'], limit: 1 });
    const accountId = String(created?.accountId);
    expect(await verifyPassword(services, { accountId, password })).toBe(true);
    await until(async () => (await listSessions(services, before.accountId)).length === 0);
  });
});
