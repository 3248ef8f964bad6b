import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import { addAccount, lockAccount, signOutBefore, suspendAccount } from '../../src/accounts/account.ts';
import { passGate } from '../../src/actions/pass-gate.ts';
import { mostWrongCodes } from '../../src/actions/second-step-tries.ts';
import {
  type Entry,
  type SecondStepProgress,
  signInStep,
  whatIsStillNeeded,
} from '../../src/actions/sign-in.ts';
import { submitPassword } from '../../src/actions/sign-in-password.ts';
import { proveSecondStep } from '../../src/actions/sign-in-second-step.ts';
import { listEvents } from '../../src/audit/list.ts';
import { setPassword } from '../../src/credentials/password.ts';
import { addTotp, newTotpSecret, removeTotp } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import { limits } from '../../src/limits/limits.ts';
import { waitAfter, waits } from '../../src/limits/waits.ts';
import { wrongCode } from '../support/second-steps.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

/** So many wrong passwords in a row are looked at before the first wait begins. */
const untilWait = waits.password.free + 1;

const password = 'heron lamp violet tuesday';
const from = { ip: '192.0.2.7', userAgent: 'a browser', requestId: 'request-1' };

let services: TestServices;
let person: { accountId: string; email: string; phone: string };
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  // Counters of the test before are over.
  services.clock.advance(120 * minutes);
  person = await aPerson();
});

let made = 0;

async function aPerson() {
  made += 1;
  const email = `person${made}@example.com`;
  const phone = `+4930901820${String(made).padStart(2, '0')}`;
  const contacts = [
    { channel: 'email' as const, address: email, written: email, verified: true },
    { channel: 'phone' as const, address: phone, written: phone, verified: true },
  ];
  const added = await addAccount(services, { profile: { name: 'Ada Example' }, contacts });
  if (!added.ok) throw new Error(added.reason);
  await setPassword(services, { accountId: added.accountId, password });
  return { accountId: added.accountId, email, phone };
}

const entry: Entry = {
  interactionUid: 'interaction-1',
  locale: 'en',
  from,
  deviceTokens: [],
  stepUp: false,
  level: 0,
};

/** The password, and what is needed after it. */
async function submit(typed: { identifier?: string; password?: string } = {}, source = from) {
  const given = { identifier: person.email, password, remember: false, ...typed };
  const answer = await submitPassword(services, given, source);
  if (!answer.ok || answer.next.at !== 'proved') return answer;
  return {
    ok: true,
    next: await whatIsStillNeeded(services, answer.next, { ...entry, from: source }),
  } as const;
}

const prove = (progress: SecondStepProgress, code: string) =>
  proveSecondStep(services, { progress, answer: { code } }, entry);

async function hashes(): Promise<number> {
  const { values } = await services.metrics.hashSeconds.get();
  return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
}

async function eventCount(): Promise<number> {
  const rows = await services.db.selectFrom('audit_events').select('id').execute();
  return rows.length;
}

const secrets: string[] = [];

async function enrol(): Promise<{ id: string; codeNow(): Promise<string> }> {
  const secret = newTotpSecret();
  const added = await addTotp(services, { accountId: person.accountId, secret, name: 'phone' });
  if (!added.ok) throw new Error(added.reason);
  secrets.push(secret);
  const codeNow = () => generate({ secret, epoch: Math.floor(services.clock.now() / 1000) });
  return { id: added.id, codeNow };
}

/** The password is proved; the answer must be the second step. */
async function askedForCode(): Promise<SecondStepProgress> {
  const answer = await submit();
  if (!answer.ok || answer.next.at !== 'second_step') throw new Error(JSON.stringify(answer));
  return answer.next;
}

async function wrongCodes(times: number, progress: SecondStepProgress) {
  const code = await wrongCode(secrets.at(-1) ?? '', services.clock.now());
  for (let wrong = 0; wrong < times; wrong += 1)
    expect(await prove(progress, code)).toEqual({ ok: false, reason: 'wrong_code' });
}

describe('the password', () => {
  it.each(['email', 'phone'] as const)('signs in who gives the right one with their %s', async (channel) => {
    expect(await submit({ identifier: person[channel] })).toEqual({
      ok: true,
      next: { at: 'finished', accountId: person.accountId, amr: ['pwd'], remember: false },
    });
    const [event] = await listEvents(services, { accountId: person.accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'account.signed_in', ip: from.ip });
  });

  it.each<[string, () => Promise<unknown>, { identifier?: string; password?: string }]>([
    ['a wrong password', async () => {}, { password: 'something else entirely' }],
    ['an address that has no account', async () => {}, { identifier: 'nobody@example.com' }],
    ['a number that has no account', async () => {}, { identifier: '+4930901899999' }],
    ['what is no address', async () => {}, { identifier: "' OR 1=1 --" }],
    [
      'a locked account and a wrong password',
      () => lockAccount(services, { ...person, reason: 'test' }),
      { password: 'something else entirely' },
    ],
    [
      'a suspended account and a wrong password',
      () => suspendAccount(services, { ...person, reason: 'test' }),
      { password: 'something else entirely' },
    ],
    ['a password that is too long to be one', async () => {}, { password: 'x'.repeat(900) }],
    [
      'the right password after too many wrong ones',
      async () => {
        for (let tries = 0; tries < untilWait; tries += 1)
          await submit({ password: 'something else entirely' }, { ...from, ip: `198.51.100.${tries}` });
      },
      {},
    ],
  ])('refuses %s with the one answer, after one argon2 run and one event', async (_, prepare, typed) => {
    await prepare();
    const before = { hashes: await hashes(), events: await eventCount() };
    expect(await submit(typed)).toEqual({ ok: false, reason: 'refused' });
    expect(await hashes()).toBe(before.hashes + 1);
    expect(await eventCount()).toBe(before.events + 1);
  });

  it('lets the right one in again when the wait is over', async () => {
    for (let tries = 0; tries < untilWait; tries += 1) await submit({ password: 'wrong' });
    expect(await submit()).toMatchObject({ ok: false });
    services.clock.advance(waitAfter(waits.password, untilWait) + 1);
    expect(await submit()).toMatchObject({ ok: true });
  });

  it('looks at no more than the limit of many guesses at once, from however many addresses', async () => {
    const before = await wrongPasswordEvents();
    const ips = Array.from({ length: 15 }, (_, n) => `203.0.113.${n}`);
    await Promise.all(ips.map((ip) => submit({ password: 'something else entirely' }, { ...from, ip })));
    expect((await wrongPasswordEvents()) - before).toBe(untilWait);
  });

  it('counts wrong ones of an address and of a number of one account together', async () => {
    for (let tries = 0; tries < untilWait; tries += 1)
      await submit({ identifier: person.phone, password: 'wrong' });
    expect(await submit()).toEqual({ ok: false, reason: 'refused' });
  });

  it('tells a network that tries too often to wait, whichever accounts it tries, and lets others in', async () => {
    for (let tries = 0; tries < limits.password_by_address.max; tries += 1)
      await submit({ identifier: `nobody${tries}@example.com`, password: 'Spring2026!' });
    const hashed = await hashes();
    expect(await submit()).toMatchObject({ ok: false, reason: 'limited', retryAfterSeconds: 15 * 60 });
    expect(await hashes()).toBe(hashed);
    expect(await submit({}, { ...from, ip: '198.51.100.200' })).toMatchObject({ ok: true });
  });

  it('counts right ones against nobody', async () => {
    for (let times = 0; times < untilWait + 7; times += 1) expect(await submit()).toMatchObject({ ok: true });
  });

  it('tells a suspended person why, once everything is proved, and signs nobody in', async () => {
    await suspendAccount(services, { ...person, reason: 'a reason for operators' });
    expect(await submit()).toEqual({ ok: true, next: { at: 'suspended', accountId: person.accountId } });
  });
});

async function wrongPasswordEvents(): Promise<number> {
  const events = await listEvents(services, { accountId: person.accountId, limit: 200 });
  return events.filter(({ detail }) => detail['reason'] === 'wrong_password').length;
}

describe('the second step', () => {
  it('is asked of who has one, and finishes with several factors', async () => {
    const app = await enrol();
    const progress = await askedForCode();
    expect(await prove(progress, await app.codeNow())).toEqual({
      ok: true,
      next: { at: 'finished', accountId: person.accountId, amr: ['pwd', 'otp', 'mfa'], remember: false },
    });
  });

  it('refuses a code that was used once, even in another sign-in while it still shows', async () => {
    const app = await enrol();
    const [mine, shoulderSurfers] = [await askedForCode(), await askedForCode()];
    const code = await app.codeNow();
    expect(await prove(mine, code)).toMatchObject({ ok: true });
    expect(await prove(shoulderSurfers, code)).toEqual({
      ok: false,
      reason: 'wrong_code',
    });
  });

  it('begins again after five wrong codes, also for the right one, and leaves them in the record', async () => {
    const app = await enrol();
    const progress = await askedForCode();
    await wrongCodes(mostWrongCodes, progress);
    expect(await prove(progress, await app.codeNow())).toEqual({
      ok: true,
      next: { at: 'start', notice: 'too_many_codes' },
    });
    const events = await listEvents(services, { accountId: person.accountId, limit: 10 });
    const failures = events.filter(({ type }) => type === 'account.second_step_failed');
    expect(failures).toHaveLength(mostWrongCodes + 1);
  });

  it('rests when an account has had too many wrong codes over several sign-ins', async () => {
    const app = await enrol();
    await wrongCodes(2, await askedForCode());
    await wrongCodes(3, await askedForCode());
    const progress = await askedForCode();
    expect(await prove(progress, await app.codeNow())).toMatchObject({
      ok: false,
      reason: 'limited',
    });
  });

  it.each<[string, (totpId: string) => Promise<unknown>, string]>([
    ['a new password', () => setPassword(services, { ...person, password: 'otter moss quay lamp' }), 'start'],
    [
      'signing out everywhere',
      () => signOutBefore(services, { ...person, before: services.clock.now(), except: undefined }),
      'start',
    ],
    ['a lock', () => lockAccount(services, { ...person, reason: 'test' }), 'locked'],
    ['removing the authenticator', (id) => removeTotp(services, { ...person, id }), 'start'],
    ['a suspension', () => suspendAccount(services, { ...person, reason: 'test' }), 'suspended'],
  ])('does not sign in when %s came between', async (_, meanwhile, at) => {
    const app = await enrol();
    const progress = await askedForCode();
    services.clock.advance(1000);
    await meanwhile(app.id);
    const answer = await prove(progress, await app.codeNow());
    expect(answer).toMatchObject({ ok: true, next: { at } });
  });
});

describe('the step a page shows', () => {
  it('is the start for nothing, and for anything that is not a progress of ours', () => {
    for (const progress of [
      undefined,
      null,
      {},
      'x',
      { at: 'finished', accountId: 'a' },
      { at: 'second_step' },
    ])
      expect(signInStep(services, progress)).toEqual({ at: 'start' });
  });

  it('is the start again for a proof that is older than a quarter of an hour', async () => {
    await enrol();
    const progress = await askedForCode();
    services.clock.advance(15 * minutes);
    expect(signInStep(services, progress)).toEqual(progress);
    services.clock.advance(1);
    expect(signInStep(services, progress)).toEqual({ at: 'start', notice: 'start_over' });
  });

  it('never leads past the gate for an account that is gone', async () => {
    const entry = { accountId: 'gone', provedAt: services.clock.now(), amr: ['pwd'], remember: false, from };
    expect(await passGate(services, entry)).toEqual({ at: 'start', notice: 'start_over' });
  });
});
