import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { addAccount, findAccountByIdentifier } from '../../src/accounts/account.ts';
import { askForPasskey } from '../../src/actions/ask-passkey.ts';
import { proveAddress } from '../../src/actions/prove-address.ts';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import type { SignInProgress } from '../../src/actions/sign-in.ts';
import { signInChallenge, submitPasskey } from '../../src/actions/sign-in-passkey.ts';
import { sendSignUpCodeAgain, submitSignUp } from '../../src/actions/sign-up.ts';
import { listEvents } from '../../src/audit/list.ts';
import { setPassword, verifyPassword } from '../../src/credentials/password.ts';
import { addTrustedDevice, listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { minutes } from '../../src/kit/durations.ts';
import { limits } from '../../src/limits/limits.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { aSession } from '../support/account-in-use.ts';
import { anEntry, aPasskey } from '../support/passkeys.ts';
import { giveTotp } from '../support/second-steps.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

const password = 'heron lamp violet tuesday';
const from = { ip: '192.0.2.7', userAgent: 'a browser', requestId: 'request-1' };
const interactionUid = 'interaction-1';
const visit = { interactionUid, locale: 'en' as const, from };
type ProveAddress = Extract<SignInProgress, { at: 'prove_address' }>;

let services: TestServices;
let email: string;
let made = 0;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(() => {
  services.clock.advance(120 * minutes);
  made += 1;
  email = `newcomer${made}@example.com`;
});

const submit = (typed: { name?: string; identifier?: string; password?: string } = {}, asked = visit) =>
  submitSignUp(services, { name: 'Noor Newcomer', identifier: email, password, ...typed }, asked);

async function askedForCode(typed: { identifier?: string } = {}): Promise<ProveAddress> {
  const answer = await submit(typed);
  if (!answer.ok || answer.next.at !== 'prove_address') throw new Error(JSON.stringify(answer));
  return answer.next;
}

const prove = (progress: ProveAddress, code: string, uid = interactionUid) =>
  proveAddress(services, { progress, code, interactionUid: uid }, from);

async function newestMessage() {
  const [message] = await listOutbox(services, { limit: 1 });
  if (!message) throw new Error('nothing was sent');
  return message;
}

const codeSent = async () => (await newestMessage()).codes[0] ?? '';
const other = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
const owner = () => findAccountByIdentifier(services, { channel: 'email', address: email });

async function addPerson(verified: boolean): Promise<string> {
  const contacts = [{ channel: 'email' as const, address: email, written: email, verified }];
  const added = await addAccount(services, { profile: { name: 'Ada Example' }, contacts });
  if (!added.ok) throw new Error(added.reason);
  return added.accountId;
}

describe('signing up', () => {
  it('makes nothing until the address is proved, then an account that is signed in', async () => {
    const progress = await askedForCode();
    expect(await owner()).toBeUndefined();

    const answer = await prove(progress, await codeSent());
    const account = await owner();
    expect(answer).toEqual({
      ok: true,
      next: {
        at: 'proved',
        accountId: account?.id,
        provedAt: services.clock.now(),
        amr: ['pwd'],
        remember: false,
      },
    });
    expect(account?.profile).toEqual({ name: 'Noor Newcomer' });
    expect(account?.contacts).toMatchObject([{ address: email, verifiedAt: services.clock.now() }]);
    expect(await verifyPassword(services, { accountId: account?.id, password })).toBe(true);
    const events = await listEvents(services, { accountId: account?.id ?? '', limit: 5 });
    expect(events.map(({ type }) => type).sort()).toEqual(['account.created', 'contact.proved']);
  });

  it('takes a mobile number, and sends the code there', async () => {
    await askedForCode({ identifier: '+49 30 901820 99' });
    expect(await newestMessage()).toMatchObject({ channel: 'sms', to: '+493090182099' });
  });

  it('never keeps the password, waiting or not', async () => {
    expect(JSON.stringify(await askedForCode())).not.toContain(password);
  });

  it('answers for an address that has an account as for any other, and tells the address itself', async () => {
    const stranger = await askedForCode();
    email = `taken${made}@example.com`;
    await addPerson(true);
    const taken = await askedForCode();
    expect(Object.keys(taken)).toEqual(Object.keys(stranger));
    expect(taken.codeId).toHaveLength(stranger.codeId.length);
    expect(await newestMessage()).toMatchObject({
      to: email,
      subject: 'You already have a Latchkey account',
      codes: [],
    });
    expect(await prove(taken, '123456')).toEqual({ ok: false, reason: 'wrong_code' });
  });

  it('is told that the address is taken when somebody else proved it first', async () => {
    const progress = await askedForCode();
    const code = await codeSent();
    const accountId = await addPerson(true);
    expect(await prove(progress, code)).toEqual({ ok: true, next: { at: 'start', notice: 'address_taken' } });
    expect((await owner())?.id).toBe(accountId);
  });

  it('takes the address, and the sessions, from an account that only claimed it', async () => {
    const squatter = await addPerson(false);
    await aSession(services, squatter);
    services.clock.advance(1000);
    const answer = await prove(await askedForCode(), await codeSent());
    expect(answer).toMatchObject({ ok: true, next: { at: 'proved' } });
    expect((await owner())?.id).not.toBe(squatter);
    expect(await listSessions(services, squatter)).toEqual([]);
    const [event] = await listEvents(services, { accountId: squatter, limit: 1 });
    expect(event?.type).toBe('contact.displaced');
  });

  it('takes them at once: who comes again, since the rest failed, is not told whose they were', async () => {
    const squatter = await addPerson(false);
    await aSession(services, squatter);
    services.clock.advance(1000);
    const progress = await askedForCode();
    const code = await codeSent();
    const broken = { ...progress, pending: { ...progress.pending, hash: null as never } };
    await expect(prove(broken, code)).rejects.toThrow();
    expect(await listSessions(services, squatter)).toEqual([]);
    expect(await prove(progress, code)).toMatchObject({ ok: true, next: { at: 'proved' } });
  });

  it('has nothing of what somebody planted who only claimed the address (misuse case SI-17)', async () => {
    const squatter = await addPerson(false);
    const planted = 'a password of the attacker';
    await setPassword(services, { accountId: squatter, password: planted });
    await giveTotp(services, squatter);
    const { authenticator } = await aPasskey(services, squatter);
    await addTrustedDevice(services, { accountId: squatter, provedAt: services.clock.now(), from });
    await prove(await askedForCode(), await codeSent());
    const mine = (await owner())?.id ?? '';
    expect(await verifyPassword(services, { accountId: mine, password: planted })).toBe(false);
    expect(await twoStepOf(services, mine)).toEqual({ on: false, methods: [], onlyOne: false });
    // Nor is there any way back to the other account that goes by this address; its passkey finds that one alone.
    const entry = anEntry();
    const wish = { ...signInChallenge(entry), userVerification: 'required' as const, allowed: [] };
    const asked = await askForPasskey(services, wish, from);
    if (!asked.ok) throw new Error(asked.reason);
    const response = authenticator.assert(asked.options);
    expect(await submitPasskey(services, { response, remember: false }, entry)).toMatchObject({
      next: { accountId: squatter },
    });
    // No browser is trusted there any more either.
    expect(await listTrustedDevices(services, squatter)).toEqual([]);
  });

  it.each([
    ['not_a_name', { name: 'a\u202eb' }],
    ['not_an_address', { identifier: 'ana@' }],
    ['too_short', { password: 'k7#' }],
    ['too_common', { password: 'password1' }],
    ['too_close_to_you', { password: 'noornewcomer1' }],
    ['too_close_to_you', { password: 'latchkey latchkey' }],
    ['not_text', { password: 'moss\u0000window lamp' }],
  ])('refuses with %s, and sends nothing', async (reason, typed) => {
    const before = await newestMessage().catch(() => undefined);
    expect(await submit(typed)).toEqual({ ok: false, reason });
    expect(await newestMessage().catch(() => undefined)).toEqual(before);
  });

  it('says so where no text message can be sent', async () => {
    const elsewhere = await openTestServices({
      ISSUER: 'https://id.example.com',
      SMTP_URL: 'smtp://mail.example.com',
    });
    const typed = { name: 'Noor', identifier: '+49 30 901820 98', password };
    expect(await submitSignUp(elsewhere, typed, visit)).toEqual({ ok: false, reason: 'no_text_messages' });
    await elsewhere.close();
  });
});

describe('the code that proves an address', () => {
  it('is no good after five wrong guesses, nor after ten minutes', async () => {
    const progress = await askedForCode();
    const code = await codeSent();
    for (let wrong = 0; wrong < 5; wrong += 1)
      expect(await prove(progress, other(code))).toEqual({ ok: false, reason: 'wrong_code' });
    expect(await prove(progress, code)).toEqual({ ok: false, reason: 'expired' });

    email = `slow${made}@example.com`;
    const slow = await askedForCode();
    const late = await codeSent();
    services.clock.advance(10 * minutes + 1);
    expect(await prove(slow, late)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is bound to the page it was asked on', async () => {
    const progress = await askedForCode();
    expect(await prove(progress, await codeSent(), 'interaction-2')).toEqual({
      ok: false,
      reason: 'expired',
    });
  });

  it('dies when another is sent', async () => {
    const progress = await askedForCode();
    const older = await codeSent();
    services.clock.advance(1000);
    const again = await sendSignUpCodeAgain(services, { progress }, visit);
    if (!again.ok || again.next.at !== 'prove_address') throw new Error(JSON.stringify(again));
    expect(again.next.sentAgain).toBe(true);
    const newer = await codeSent();
    expect(await prove(progress, older)).toEqual({ ok: false, reason: 'expired' });
    expect(await prove(again.next, newer)).toMatchObject({ ok: true, next: { at: 'proved' } });
  });

  it('makes one account when it is given twice at once', async () => {
    const progress = await askedForCode();
    const code = await codeSent();
    const answers = await Promise.all([prove(progress, code), prove(progress, code)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('is sent to one address a few times an hour, whoever asks', async () => {
    const from = (n: number) => ({ ...visit, from: { ...visit.from, ip: `198.51.100.${n}` } });
    for (let n = 0; n < limits.code_by_contact.max; n += 1)
      expect(await submit({}, { ...from(n), interactionUid: `other-${n}` })).toMatchObject({ ok: true });
    expect(await submit({}, from(99))).toMatchObject({ ok: false, reason: 'limited' });
  });
});
