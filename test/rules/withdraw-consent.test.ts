import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listConsents } from '../../src/consents/consent.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { aConsent, aGrant, anAccount, anApp, source, subjectsSent } from '../support/account-in-use.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
let clientId: string;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  accountId = await anAccount(services);
  clientId = await anApp(services, 'Bakery');
});

describe('withdrawing consent', () => {
  it('ends every grant of the app, on every browser, and forgets what was decided', async () => {
    await aConsent(services, accountId, clientId);
    await aGrant(services, accountId, clientId);
    await aGrant(services, accountId, clientId);
    expect(await withdrawConsent(services, { accountId, clientId }, source)).toEqual({ ok: true, grants: 2 });
    expect(await listGrants(services, accountId)).toEqual([]);
    expect(await listConsents(services, accountId)).toEqual([]);
    const [event] = await listEvents(services, { accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'consent.withdrawn', clientId, actor: 'person', ip: source.ip });
    expect(event?.detail).toEqual({ grants_revoked: 2 });
  });

  it('tells the person at every address they proved, naming the app', async () => {
    await aConsent(services, accountId, clientId);
    await withdrawConsent(services, { accountId, clientId }, source);
    const sent = (await subjectsSent(services)).slice(0, 2).sort();
    expect(sent).toEqual([
      'email: An app’s access to your Latchkey account was removed',
      expect.stringContaining('“Bakery”'),
    ]);
  });

  it('leaves other apps and other people alone', async () => {
    const other = await anApp(services, 'Library');
    const somebody = await anAccount(services);
    for (const [who, app] of [
      [accountId, clientId],
      [accountId, other],
      [somebody, clientId],
    ] as const) {
      await aConsent(services, who, app);
      await aGrant(services, who, app);
    }
    await withdrawConsent(services, { accountId, clientId }, source);
    expect((await listGrants(services, accountId)).map((grant) => grant.clientId)).toEqual([other]);
    expect(await listGrants(services, somebody)).toHaveLength(1);
    expect(await listConsents(services, somebody)).toHaveLength(1);
  });

  it('also ends the access of an app of our own, for which nobody was asked', async () => {
    await aGrant(services, accountId, clientId);
    expect((await withdrawConsent(services, { accountId, clientId }, source)).ok).toBe(true);
    expect(await listGrants(services, accountId)).toEqual([]);
  });

  it('says so when there is nothing to withdraw, and records nothing', async () => {
    expect(await withdrawConsent(services, { accountId, clientId }, source)).toEqual({
      ok: false,
      reason: 'unknown_app',
    });
    expect(await listEvents(services, { accountId, limit: 5 })).toEqual([]);
  });

  it('may be asked for twice at once: the access ends all the same', async () => {
    await aConsent(services, accountId, clientId);
    await aGrant(services, accountId, clientId);
    const answers = await Promise.all([
      withdrawConsent(services, { accountId, clientId }, source),
      withdrawConsent(services, { accountId, clientId }, source),
    ]);
    expect(answers.some((answer) => answer.ok)).toBe(true);
    expect(await listGrants(services, accountId)).toEqual([]);
    expect(await listConsents(services, accountId)).toEqual([]);
  });
});
