import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Client, findClient } from '../../clients/registry/registry.ts';
import { giveConsent } from '../../src/actions/give-consent.ts';
import { refuseConsent } from '../../src/actions/refuse-consent.ts';
import { listEvents } from '../../src/audit/list.ts';
import { findConsent } from '../../src/consents/consent.ts';
import { anAccount, anApp, source, subjectsSent } from '../support/account-in-use.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
let client: Client;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(1000);
  accountId = await anAccount(services);
  const found = await findClient(services, await anApp(services, 'Bakery'));
  if (!found) throw new Error('the app is not there');
  client = found;
});

const give = (asked: string[], ticked: string[]) =>
  giveConsent(services, { accountId, client, asked, ticked, locale: 'en' }, source);
const decided = () => findConsent(services, { accountId, clientId: client.clientId });

describe('giving consent', () => {
  it('allows what an app needs, and of the rest what was ticked', async () => {
    await give(['openid', 'profile', 'email', 'phone'], ['email']);
    expect(await decided()).toMatchObject({ allowed: ['openid', 'profile', 'email'], declined: ['phone'] });
    const [event] = await listEvents(services, { accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'consent.given', clientId: client.clientId, ip: source.ip });
  });

  it('allows nothing that the page did not ask for, whatever comes ticked', async () => {
    await give(['openid', 'email'], ['email', 'phone', 'offline_access', 'admin']);
    expect(await decided()).toMatchObject({ allowed: ['openid', 'email'], declined: [] });
  });

  it('adds to what was decided before', async () => {
    await give(['openid', 'email', 'phone'], ['email']);
    await give(['phone', 'address'], ['phone']);
    expect(await decided()).toMatchObject({ allowed: ['openid', 'email', 'phone'], declined: ['address'] });
  });

  it('tells the person once when an app may come back while they are away', async () => {
    const before = (await subjectsSent(services)).length;
    await give(['openid', 'email'], ['email']);
    expect(await subjectsSent(services)).toHaveLength(before);
    await give(['offline_access'], ['offline_access']);
    const told = await subjectsSent(services);
    expect(told).toHaveLength(before + 2);
    expect(told).toContain('email: An app was given access to your Latchkey account');
    await give(['offline_access'], ['offline_access']);
    expect(await subjectsSent(services)).toHaveLength(before + 2);
  });

  it('keeps what was allowed before when the person refuses more', async () => {
    await give(['openid', 'email'], ['email']);
    services.clock.advance(1000);
    await refuseConsent(services, { accountId, clientId: client.clientId, scopes: ['phone'] }, source);
    expect(await decided()).toMatchObject({ allowed: ['openid', 'email'], declined: [] });
    const [event] = await listEvents(services, { accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'consent.denied', detail: { scopes: ['phone'] } });
  });
});
