import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findAccount } from '../../src/accounts/account.ts';
import { changePassword } from '../../src/actions/change-password.ts';
import { listEvents } from '../../src/audit/list.ts';
import { findPassword, removePassword, setPassword, verifyPassword } from '../../src/credentials/password.ts';
import { minutes } from '../../src/kit/durations.ts';
import { waitAfter, waits } from '../../src/limits/waits.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import {
  aGrant,
  anAccount,
  anApp,
  aSession,
  password,
  source,
  subjectsSent,
  whileHashing,
} from '../support/account-in-use.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

/** So many wrong passwords in a row are looked at before the first wait begins. */
const untilWait = waits.password.free + 1;

const next = 'copper window thursday moss';
const theirs = 'otter moss quay lamp';

let services: TestServices;
let accountId: string;
let sessionUid: string;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(20 * minutes);
  accountId = await anAccount(services);
  sessionUid = await aSession(services, accountId);
});

const change = (members: { current?: string; next?: string } = {}) =>
  changePassword(services, { accountId, sessionUid, current: password, next, ...members }, source);

describe('changing the password', () => {
  it('takes the new one from then on, and not the old one', async () => {
    expect(await change()).toMatchObject({ ok: true });
    expect(await verifyPassword(services, { accountId, password: next })).toBe(true);
    expect(await verifyPassword(services, { accountId, password })).toBe(false);
  });

  it('ends every other session, and the tokens of the apps opened there, but not this one', async () => {
    const clientId = await anApp(services, 'Bakery');
    const [here, there] = [
      await aGrant(services, accountId, clientId),
      await aGrant(services, accountId, clientId),
    ];
    sessionUid = await aSession(services, accountId, { [clientId]: here });
    await aSession(services, accountId, { [clientId]: there });
    services.clock.advance(5000);

    expect(await change()).toEqual({ ok: true, ended: 2 });
    expect((await listSessions(services, accountId)).map(({ uid }) => uid)).toEqual([sessionUid]);
    expect((await listGrants(services, accountId)).map(({ grantId }) => grantId)).toEqual([here]);
    const account = await findAccount(services, accountId);
    expect(account).toMatchObject({ signedOutExcept: sessionUid });
    expect(account?.signedOutBefore).toBeGreaterThan(services.clock.now() - 1000);
  });

  it('tells the person at every address they proved, and records it without either password', async () => {
    await change();
    const sent = (await subjectsSent(services)).slice(0, 2).sort();
    expect(sent).toEqual([
      'email: Your Latchkey password was changed',
      expect.stringMatching(/^sms: Latchkey: your password was changed/),
    ]);
    const [event] = await listEvents(services, { accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'password.changed', sessionUid, ip: source.ip });
    for (const either of [password, next]) expect(JSON.stringify(event)).not.toContain(either);
  });

  it.each([
    ['too_short', 'k7#'],
    ['too_common', 'password1'],
    ['too_close_to_you', 'ada example'],
    ['not_text', 'moss\ud800window'],
  ])('refuses a new password that is %s, before the old one is looked at', async (reason, refused) => {
    expect(await change({ current: 'wrong', next: refused })).toEqual({ ok: false, reason });
    expect(await listEvents(services, { accountId, limit: 5 })).toEqual([]);
  });

  it('wants the current password, and changes nothing without it', async () => {
    expect(await change({ current: 'not the password' })).toEqual({ ok: false, reason: 'wrong_password' });
    expect(await verifyPassword(services, { accountId, password })).toBe(true);
    expect(await listSessions(services, accountId)).toHaveLength(1);
  });

  /** The owner sets another in the meantime, and signs in by it. */
  async function ownerResets(): Promise<void> {
    services.clock.advance(2000);
    await setPassword(services, { accountId, password: theirs });
    await aSession(services, accountId);
  }

  async function expectTheirs(answer: unknown): Promise<void> {
    expect(answer).toEqual({ ok: false, reason: 'wrong_password' });
    expect(await verifyPassword(services, { accountId, password: theirs })).toBe(true);
    const recorded = (await listEvents(services, { accountId, limit: 5 })).map(({ type }) => type);
    expect(recorded).toEqual(['password.change_failed']);
  }

  it.each([
    { name: 'the old one was looked at', turn: 1 },
    { name: 'the new one was hashed', turn: 2 },
  ])('leaves another that was set while $name, and who signed in by that', async ({ turn }) => {
    let turns = 0;
    const slow = whileHashing(services, async () => {
      turns += 1;
      if (turns === turn) await ownerResets();
    });
    await expectTheirs(
      await changePassword(slow, { accountId, sessionUid, current: password, next }, source),
    );
    expect(await listSessions(services, accountId)).toHaveLength(2);
  });

  /** When all is looked at and nothing is written. */
  function inTheMomentBefore(does: () => Promise<void>): void {
    const { live } = services;
    const { commit } = live;
    live.commit = async (steps) => {
      live.commit = commit;
      await does();
      return commit(steps);
    };
  }

  it('leaves another that was set in the moment before it is', async () => {
    inTheMomentBefore(ownerResets);
    await expectTheirs(await change());
  });

  it('sets none where the owner had it taken away in the moment before ("It wasn\'t me")', async () => {
    inTheMomentBefore(() => removePassword(services, accountId));
    expect(await change()).toEqual({ ok: false, reason: 'wrong_password' });
    expect(await findPassword(services, accountId)).toBeUndefined();
  });

  it('stops guessing at an open browser, and then does not tell a right guess from a wrong one', async () => {
    const most = untilWait;
    for (let guess = 0; guess < most; guess += 1) await change({ current: `guess ${guess}` });
    expect(await change({ current: 'one more' })).toMatchObject({ reason: 'limited' });
    expect(await change()).toMatchObject({ reason: 'limited' });
    expect(await verifyPassword(services, { accountId, password })).toBe(true);
    services.clock.advance(waitAfter(waits.password, untilWait) + 1);
    expect(await change()).toMatchObject({ ok: true });
  });

  it('does not count changes that went well', async () => {
    let current = password;
    for (let turn = 0; turn < untilWait + 2; turn += 1) {
      const following = `${next} ${turn}`;
      expect(await change({ current, next: following })).toMatchObject({ ok: true });
      current = following;
    }
  });
});
