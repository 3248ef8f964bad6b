import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findAccount, lockAccount, suspendAccount } from '../../src/accounts/account.ts';
import { proveContact } from '../../src/accounts/contacts.ts';
import { requestReset, sendResetCodeAgain, submitResetCode } from '../../src/actions/reset-password.ts';
import { submitNewPassword } from '../../src/actions/reset-password-set.ts';
import { type SignInProgress, whatIsStillNeeded } from '../../src/actions/sign-in.ts';
import { submitPassword } from '../../src/actions/sign-in-password.ts';
import { listEvents } from '../../src/audit/list.ts';
import { setPassword, verifyPassword } from '../../src/credentials/password.ts';
import { addTotp, newTotpSecret } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import { limits } from '../../src/limits/limits.ts';
import { waits } from '../../src/limits/waits.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import {
  aGrant,
  anAccount,
  anApp,
  aSession,
  password,
  subjectsSent,
  whileHashing,
} from '../support/account-in-use.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

/** So many wrong passwords in a row are looked at before the first wait begins. */
const untilWait = waits.password.free + 1;

const next = 'copper window thursday moss';
const from = { ip: '192.0.2.7', userAgent: 'a browser', requestId: 'request-1' };
const interactionUid = 'interaction-1';
const visit = { interactionUid, locale: 'en' as const, from };
type ResetCode = Extract<SignInProgress, { at: 'reset_code' }>;
type NewPassword = Extract<SignInProgress, { at: 'new_password' }>;

let services: TestServices;
let accountId: string;
let email: string;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(120 * minutes);
  accountId = await anAccount(services);
  email =
    (await findAccount(services, accountId))?.contacts.find((c) => c.channel === 'email')?.address ?? '';
});

async function askedForCode(identifier = email): Promise<ResetCode> {
  const answer = await requestReset(services, { identifier }, visit);
  if (!answer.ok || answer.next.at !== 'reset_code') throw new Error(JSON.stringify(answer));
  return answer.next;
}

const giveCode = (progress: ResetCode, code: string) =>
  submitResetCode(services, { progress, code, interactionUid }, from);
const codeSent = async () => (await listOutbox(services, { limit: 1 }))[0]?.codes[0] ?? '';
const setNext = (progress: NewPassword, chosen = next) =>
  submitNewPassword(services, { progress, password: chosen, locale: 'en' }, from);

async function ticket(): Promise<NewPassword> {
  const progress = await askedForCode();
  const answer = await giveCode(progress, await codeSent());
  if (!answer.ok || answer.next.at !== 'new_password') throw new Error(JSON.stringify(answer));
  services.clock.advance(1000);
  return answer.next;
}

async function neededAfterReset() {
  const answer = await setNext(await ticket());
  if (!answer.ok || answer.next.at !== 'proved') throw new Error(JSON.stringify(answer));
  return await whatIsStillNeeded(services, answer.next, {
    ...visit,
    deviceTokens: [],
    stepUp: false,
    level: 0,
  });
}

describe('a forgotten password', () => {
  it('is set anew with a code, and the person is signed in', async () => {
    expect(await setNext(await ticket())).toEqual({
      ok: true,
      next: {
        at: 'proved',
        accountId,
        provedAt: services.clock.now(),
        amr: ['pwd'],
        remember: false,
        resetBy: email,
      },
    });
    expect(await verifyPassword(services, { accountId, password: next })).toBe(true);
    expect(await verifyPassword(services, { accountId, password })).toBe(false);
  });

  it('sends the code to the address as its owner wrote it, however it was typed', async () => {
    const written = email.replace('@', '.Ana@');
    const contact = { channel: 'email' as const, address: written.toLowerCase(), written };
    await proveContact(services, { accountId, contact });
    await askedForCode(written.toUpperCase());
    expect((await listOutbox(services, { limit: 1 }))[0]?.to).toBe(written);
  });

  it('ends every session and every app’s access, and is told to every address', async () => {
    await aSession(services, accountId);
    await aGrant(services, accountId, await anApp(services, 'Bakery'));
    await setNext(await ticket());
    expect(await listSessions(services, accountId)).toEqual([]);
    expect(await listGrants(services, accountId)).toEqual([]);
    expect((await subjectsSent(services)).slice(0, 2).sort()).toEqual([
      'email: Your Latchkey password was reset',
      expect.stringMatching(/^sms: Latchkey: your password was reset/),
    ]);
    const events = await listEvents(services, { accountId, limit: 10 });
    const reset = events.find(({ type }) => type === 'password.reset');
    expect(reset?.detail).toEqual({ channel: 'email', sessions_ended: 1 });
  });

  it('still asks for the second step of who has one', async () => {
    await addTotp(services, { accountId, secret: newTotpSecret(), name: 'phone' });
    expect(await neededAfterReset()).toMatchObject({ at: 'second_step', accountId });
  });

  it('lets its owner in who could not sign in after too many wrong passwords', async () => {
    const typed = { identifier: email, remember: false };
    for (let tries = 0; tries < untilWait; tries += 1)
      await submitPassword(services, { ...typed, password: 'wrong' }, from);
    await setNext(await ticket());
    const answer = await submitPassword(services, { ...typed, password: next }, from);
    expect(answer).toMatchObject({ ok: true, next: { at: 'proved' } });
  });

  it('is set for a locked account, which stays locked and is asked to sign in', async () => {
    await lockAccount(services, { accountId, reason: 'test' });
    expect(await setNext(await ticket())).toEqual({
      ok: true,
      next: { at: 'start', notice: 'password_set' },
    });
    expect(await verifyPassword(services, { accountId, password: next })).toBe(true);
  });

  it('tells the owner of a suspended account why it leads no further', async () => {
    await suspendAccount(services, { accountId, reason: 'test' });
    expect(await neededAfterReset()).toEqual({ at: 'suspended', accountId });
  });

  it.each([
    ['too_short', 'k7#'],
    ['too_common', 'password1'],
    ['too_close_to_you', 'adaexample1'],
  ])('follows the rules of every new password: %s', async (reason, chosen) => {
    expect(await setNext(await ticket(), chosen)).toEqual({ ok: false, reason });
    expect(await verifyPassword(services, { accountId, password })).toBe(true);
  });

  it('cannot be set with a ticket that is older than another new password', async () => {
    const first = await ticket();
    await setPassword(services, { accountId, password: 'otter moss quay lamp' });
    expect(await setNext(first)).toEqual({ ok: true, next: { at: 'start', notice: 'start_over' } });
    expect(await verifyPassword(services, { accountId, password: next })).toBe(false);
  });

  const later = 'otter moss quay lamp';
  const isVoid = { ok: true, next: { at: 'start', notice: 'start_over' } };

  it('leaves another that was set while it was hashed, and who signed in by that', async () => {
    const progress = await ticket();
    let theirs = '';
    const slow = whileHashing(services, async () => {
      await setPassword(services, { accountId, password: later });
      theirs = await aSession(services, accountId);
    });
    const given = { progress, password: next, locale: 'en' } as const;
    expect(await submitNewPassword(slow, given, from)).toEqual(isVoid);
    expect(await verifyPassword(services, { accountId, password: later })).toBe(true);
    expect((await listSessions(services, accountId)).map(({ uid }) => uid)).toEqual([theirs]);
    expect(await listEvents(services, { accountId, types: ['password.reset'], limit: 1 })).toEqual([]);
  });

  it('leaves another that was set in the moment before it is', async () => {
    const progress = await ticket();
    const { live } = services;
    const { commit } = live;
    live.commit = async (steps) => {
      live.commit = commit;
      await setPassword(services, { accountId, password: later });
      return commit(steps);
    };
    expect(await setNext(progress)).toEqual(isVoid);
    expect(live.commit).toBe(commit);
    expect(await verifyPassword(services, { accountId, password: later })).toBe(true);
  });

  it('is not set where the address that the code went to left the account while it was hashed', async () => {
    const progress = await ticket();
    const slow = whileHashing(services, () =>
      services.db
        .deleteFrom('contacts')
        .where('account_id', '=', accountId)
        .where('channel', '=', 'email')
        .execute(),
    );
    const given = { progress, password: next, locale: 'en' } as const;
    expect(await submitNewPassword(slow, given, from)).toEqual(isVoid);
    expect(await verifyPassword(services, { accountId, password })).toBe(true);
  });
});

describe('asking for the code', () => {
  it('writes the same for an address that has no account, and sends nothing', async () => {
    const rows = () => services.db.selectFrom('messages').select(['id', 'body', 'sent_at']).execute();
    const before = await rows();
    const known = await askedForCode();
    const unknown = await askedForCode('nobody@example.com');
    expect(unknown).toEqual({ ...unknown, at: known.at, channel: known.channel, sentAgain: known.sentAgain });
    const written = (await rows()).filter(({ id }) => !before.some((row) => row.id === id));
    expect(written).toHaveLength(2);
    expect(written.filter(({ body }) => body !== '')).toHaveLength(1);
    expect(await giveCode(unknown, '123456')).toEqual({ ok: false, reason: 'wrong_code' });
  });

  it('does not send it to an address that was only claimed', async () => {
    const claimed = 'claimed@example.com';
    await services.db
      .updateTable('contacts')
      .set({ address: claimed, written: claimed, verified_at: null })
      .where('account_id', '=', accountId)
      .where('channel', '=', 'email')
      .execute();
    expect(await askedForCode(claimed)).not.toHaveProperty('accountId');
  });

  it('leaves only the newest code good', async () => {
    const progress = await askedForCode();
    const older = await codeSent();
    services.clock.advance(1000);
    const again = await sendResetCodeAgain(services, { progress }, visit);
    if (!again.ok || again.next.at !== 'reset_code') throw new Error(JSON.stringify(again));
    const newer = await codeSent();
    expect(await giveCode(progress, older)).toEqual({ ok: false, reason: 'expired' });
    expect(await giveCode(again.next, newer)).toMatchObject({ ok: true, next: { at: 'new_password' } });
  });

  it('looks at five guesses of many in parallel, and records them with the account', async () => {
    const progress = await askedForCode();
    const right = Number(await codeSent());
    const guesses = Array.from({ length: 30 }, (_, n) =>
      String((right + 1 + n) % 1_000_000).padStart(6, '0'),
    );
    const answers = await Promise.all(guesses.map((code) => giveCode(progress, code)));
    expect(answers.filter((answer) => !answer.ok && answer.reason === 'wrong_code')).toHaveLength(5);
    const [event] = await listEvents(services, { accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'password.reset_failed' });
  });

  it('is answered alike when it was asked too often, for addresses with an account and without', async () => {
    for (const identifier of [email, 'nobody2@example.com']) {
      for (let times = 0; times < limits.reset_by_contact.max; times += 1)
        expect(await requestReset(services, { identifier }, visit)).toMatchObject({ ok: true });
      expect(await requestReset(services, { identifier }, visit)).toMatchObject({
        ok: false,
        reason: 'limited',
      });
    }
  });
});
