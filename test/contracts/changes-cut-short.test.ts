import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changePassword } from '../../src/actions/change-password.ts';
import { removeSecondStep } from '../../src/actions/remove-second-step.ts';
import { turnOffTwoStep } from '../../src/actions/turn-off-two-step.ts';
import { verifyPassword } from '../../src/credentials/password.ts';
import { listTotp } from '../../src/credentials/totp.ts';
import { days } from '../../src/kit/durations.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { aGrant, anAccount, anApp, aSession, password, source } from '../support/account-in-use.ts';
import { cutShort } from '../support/cut-short.ts';
import { giveTotp } from '../support/second-steps.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';
import { until } from '../support/timing.ts';

type Who = { accountId: string; sessionUid: string };
type Change = { name: string; make(who: Who): Promise<unknown>; isMade(who: Who): Promise<boolean> };

/**
 * Changes to how a person proves themselves, which the live state cuts short at each of its commits in turn. The change
 * stands in the records then, and the person who repeats it is told that the old password is wrong, or that there is nothing
 * to remove: so whoever came in by the old proof must be out without a repeat.
 */
describe('a change that is cut short', () => {
  let services: TestServices;
  let clientId: string;
  beforeAll(async () => {
    services = await openTestServices();
    clientId = await anApp(services, 'Bakery');
  });
  afterAll(() => services.close());

  const hasTotp = async ({ accountId }: Who) => (await listTotp(services, accountId)).length > 0;
  const changes: Change[] = [
    {
      name: 'another password',
      make: (who) =>
        changePassword(services, { ...who, current: password, next: 'copper window thursday moss' }, source),
      isMade: async ({ accountId }) => !(await verifyPassword(services, { accountId, password })),
    },
    {
      name: 'an authenticator app removed',
      make: async (who) => {
        const [first] = await listTotp(services, who.accountId);
        return removeSecondStep(services, { ...who, kind: 'totp', id: first?.id ?? '' }, source);
      },
      isMade: async ({ accountId }) => (await listTotp(services, accountId)).length < 2,
    },
    {
      name: 'two-step verification turned off',
      make: (who) => turnOffTwoStep(services, who, source),
      isMade: async (who) => !(await hasTotp(who)),
    },
  ];

  /** In use in two browsers, each with an app; twice the second step. */
  async function inUse(): Promise<Who & { theirs: string }> {
    services.clock.advance(1 * days);
    const accountId = await anAccount(services);
    for (let methods = 0; methods < 2; methods += 1) await giveTotp(services, accountId);
    const [ours, theirs] = [
      await aGrant(services, accountId, clientId),
      await aGrant(services, accountId, clientId),
    ];
    const sessionUid = await aSession(services, accountId, { [clientId]: ours });
    await aSession(services, accountId, { [clientId]: theirs });
    services.clock.advance(5000);
    return { accountId, sessionUid, theirs };
  }

  const isAlone = async ({ accountId, sessionUid, theirs }: Who & { theirs: string }) => {
    const sessions = await listSessions(services, accountId);
    const grants = await listGrants(services, accountId);
    return (
      sessions.every(({ uid }) => uid === sessionUid) && grants.every(({ grantId }) => grantId !== theirs)
    );
  };

  it.each(changes)('leaves nobody in by the old proof: $name', async ({ make, isMade }) => {
    let cuts = 0;
    for (let place = 1; ; place += 1) {
      const who = await inUse();
      const cut = cutShort({ services }, { place, heard: place % 2 === 0 });
      const failed = await make(who).then(
        () => undefined,
        (error: unknown) => error,
      );
      cut.mended();
      if (!cut.happened()) break;
      expect(failed).toBeInstanceOf(StoreUnavailable);
      if (!(await isMade(who))) continue;
      cuts += 1;
      await until(() => isAlone(who));
    }
    expect(cuts).toBeGreaterThan(1);
  });
});
