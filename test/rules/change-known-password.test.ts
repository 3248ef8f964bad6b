import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changeKnownPassword } from '../../src/actions/change-known-password.ts';
import { endAllAccess } from '../../src/actions/end-all-access.ts';
import type { KnownPasswordProgress } from '../../src/actions/sign-in.ts';
import { listEvents } from '../../src/audit/list.ts';
import { setPassword, verifyPassword } from '../../src/credentials/password.ts';
import { minutes, seconds } from '../../src/kit/durations.ts';
import { anAccount, aSession, password, whileHashing } from '../support/account-in-use.ts';
import { anEntry } from '../support/passkeys.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

const next = 'copper window thursday moss';
const theirs = 'otter moss quay lamp';
const startOver = { ok: true, next: { at: 'start', notice: 'start_over' } };

let services: TestServices;
let accountId: string;
let progress: KnownPasswordProgress;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(30 * minutes);
  accountId = await anAccount(services);
  const provedAt = services.clock.now();
  progress = { at: 'known_password', accountId, provedAt, remember: false, amr: ['pwd'] };
});

const isPassword = (one: string) => verifyPassword(services, { accountId, password: one });

/** The person sets `next`, and this happens a while after they proved who they are, while it is hashed. */
async function changesWhile(happens: () => Promise<unknown>) {
  const slow = whileHashing(services, async () => {
    services.clock.advance(2 * seconds);
    await happens();
  });
  return changeKnownPassword(slow, { progress, password: next }, anEntry());
}

async function recorded() {
  const events = await listEvents(services, { accountId, types: ['password.changed'], limit: 10 });
  return events.length;
}

describe('another password for one that attackers know', () => {
  it('is set, and its own change is not held against the sign-in', async () => {
    const answer = await changesWhile(async () => {});
    expect(answer).toMatchObject({ ok: true, next: { at: 'finished', accountId } });
    expect([await isPassword(next), await isPassword(password), await recorded()]).toEqual([true, false, 1]);
  });

  it('leaves the one that its owner set while it was hashed', async () => {
    const reset = () => setPassword(services, { accountId, password: theirs });
    expect(await changesWhile(reset)).toEqual(startOver);
    expect([await isPassword(theirs), await recorded()]).toEqual([true, 0]);
  });

  it('leaves the one that its owner set in the moment before it is', async () => {
    await aSession(services, accountId);
    const { live } = services;
    const { commit } = live;
    const answer = await changesWhile(async () => {
      live.commit = async (steps) => {
        live.commit = commit;
        await setPassword(services, { accountId, password: theirs });
        return commit(steps);
      };
    });
    expect([live.commit === commit, answer]).toEqual([true, startOver]);
    expect([await isPassword(theirs), await recorded()]).toEqual([true, 0]);
  });

  it('is not set where everybody was signed out while it was hashed', async () => {
    expect(await changesWhile(() => endAllAccess(services, { accountId }))).toEqual(startOver);
    expect([await isPassword(password), await recorded()]).toEqual([true, 0]);
  });
});
