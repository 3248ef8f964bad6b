import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findAccount } from '../../src/accounts/account.ts';
import { askForPasskey } from '../../src/actions/ask-passkey.ts';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { removePasskey } from '../../src/actions/remove-passkey.ts';
import { signInChallenge, submitPasskey } from '../../src/actions/sign-in-passkey.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { userHandle } from '../../src/credentials/passkeys-user.ts';
import type { RequestOptions } from '../../src/credentials/webauthn-options.ts';
import { minutes } from '../../src/kit/durations.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { anAccount, source } from '../support/account-in-use.ts';
import { anEntry, aPasskey } from '../support/passkeys.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
let key: SoftwareAuthenticator;
let entry: ReturnType<typeof anEntry>;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(30 * minutes);
  accountId = await anAccount(services);
  ({ authenticator: key } = await aPasskey(services, accountId));
  entry = anEntry();
});

async function asked(at = entry): Promise<RequestOptions> {
  const wish = { ...signInChallenge(at), userVerification: 'required' as const, allowed: [] };
  const begun = await askForPasskey(services, wish, source);
  if (!begun.ok) throw new Error(begun.reason);
  return begun.options;
}
const submit = (response: string, at = entry) => submitPasskey(services, { response, remember: false }, at);
const signIn = async (wrong: Parameters<SoftwareAuthenticator['assert']>[1] = {}, authenticator = key) =>
  submit(authenticator.assert(await asked(), wrong));
const proof = (amr: string[]) => ({ ok: true, next: { at: 'proved', accountId, amr } });
const stored = async (id: string) => (await listPasskeys(services, accountId)).find((one) => one.id === id);
const warnings = async () => {
  const contacts = (await findAccount(services, accountId))?.contacts ?? [];
  const address = contacts.find(({ channel }) => channel === 'email')?.address;
  const sent = await listOutbox(services, { limit: 20 });
  return sent.filter(({ to, subject }) => to === address && /may have been copied/.test(subject)).length;
};
const lastEvent = async () => (await listEvents(services, { accountId, limit: 1 }))[0];

describe('signing in by passkey', () => {
  it.each([
    ['ES256', {}, ['swk', 'user', 'mfa']],
    ['EdDSA', {}, ['swk', 'user', 'mfa']],
    ['RS256', { be: false, bs: false }, ['hwk', 'user', 'mfa']],
  ] as const)('proves both factors with %s and says how', async (kind, flags, amr) => {
    const { authenticator, passkey } = await aPasskey(services, accountId, { kind, flags });
    expect(await signIn({}, authenticator)).toMatchObject(proof([...amr]));
    expect((await stored(passkey.id))?.lastUsedAt).toBe(services.clock.now());
  });

  it('is refused when the authenticator did not know its user (misuse case WA-03)', async () => {
    expect(await signIn({ flags: { uv: false } })).toEqual({ ok: false, reason: 'not_verified' });
    expect(await lastEvent()).toMatchObject({ type: 'passkey.refused', detail: { reason: 'not_verified' } });
  });

  it('counts for one factor while no other stood beside it (misuse case WA-03)', async () => {
    const quiet = { making: 'quiet_passkey', made: { flags: { up: false, uv: false } } } as const;
    const { authenticator } = await aPasskey(services, accountId, quiet);
    expect(await signIn({}, authenticator)).toMatchObject(proof(['swk', 'user']));
    expect(await signIn({}, authenticator)).toMatchObject(proof(['swk', 'user']));
  });

  it.each([
    ['plain http or another origin', { origin: 'http://localhost:3001' }],
    ['a host that is not ours', { origin: 'https://localhost.evil.test' }],
    ['a frame (misuse case WA-09)', { crossOrigin: true }],
    ['below another page (misuse case WA-09)', { topOrigin: 'https://evil.test' }],
    ['a registration', { type: 'webauthn.create' }],
    ['another party', { rpId: 'evil.test' }],
    ['nobody there', { flags: { up: false } }],
    ['a key that can be backed up all at once', { flags: { be: false, bs: false } }],
    ['a backup of what cannot be', { flags: { be: false, bs: true } }],
    ['no user handle (misuse case WA-07)', { userHandle: null }],
    ['an empty user handle', { userHandle: '' }],
  ])('is refused from %s', async (_, wrong) => {
    expect(await signIn(wrong)).toEqual({ ok: false, reason: 'refused' });
    expect(await lastEvent()).toMatchObject({ type: 'passkey.refused' });
  });

  it('is refused from a key that could not be backed up when it was made, and now can', async () => {
    const { authenticator } = await aPasskey(services, accountId, { flags: { be: false, bs: false } });
    for (const flags of [
      { be: true, bs: false },
      { be: true, bs: true },
    ])
      expect(await signIn({ flags }, authenticator)).toEqual({ ok: false, reason: 'refused' });
    expect((await lastEvent())?.detail).toMatchObject({ reason: 'wrong_backup_flags' });
    expect(await signIn({}, authenticator)).toMatchObject({ ok: true });
  });

  it('refuses the right key id with the signature of another key', async () => {
    const thief = new SoftwareAuthenticator({ origin: services.settings.issuer.origin });
    expect(await signIn({ signedBy: thief })).toEqual({ ok: false, reason: 'refused' });
    expect((await lastEvent())?.detail).toMatchObject({ reason: 'wrong_signature' });
  });

  it("refuses A's key with V's user handle, and V's key id signed by A (misuse case WA-07)", async () => {
    const victim = await anAccount(services);
    const { authenticator: theirs } = await aPasskey(services, victim);
    const handle = await userHandle(services, victim);
    expect(await signIn({ userHandle: handle })).toEqual({ ok: false, reason: 'refused' });
    expect(await signIn({ id: theirs.id, userHandle: handle })).toEqual({ ok: false, reason: 'refused' });
  });

  it('knows no key that was removed, and none of an account that is gone (misuse case WA-13)', async () => {
    const [passkey] = await listPasskeys(services, accountId);
    const removal = { accountId, sessionUid: 'x', id: passkey?.id ?? '', locale: 'en' as const };
    expect(await removePasskey(services, removal, source)).toEqual({ ok: true });
    expect(await signIn()).toEqual({ ok: false, reason: 'unknown' });
    const { authenticator } = await aPasskey(services, accountId);
    await removeAccount(services, { accountId, reason: 'test' });
    expect(await signIn({}, authenticator)).toEqual({ ok: false, reason: 'unknown' });
  });

  it('proves it for a suspended account too, which is told at the gate and not before', async () => {
    await suspendAccount(services, { accountId, reason: 'test' });
    expect(await signIn()).toMatchObject({ ok: true, next: { at: 'proved' } });
  });

  it.each(['', '{}', 'null', '[]', '{"id":1}', 'x'.repeat(10_000)])(
    'is nothing that %j could be',
    async (text) => {
      expect(await submit(text)).toEqual({ ok: false, reason: 'refused' });
    },
  );
});

describe('a challenge', () => {
  it('is good once', async () => {
    const response = key.assert(await asked());
    expect(await submit(response)).toMatchObject({ ok: true });
    expect(await submit(response)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is good for one of many requests at once', async () => {
    const response = key.assert(await asked());
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit(response)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('is used up by a try that failed', async () => {
    const options = await asked();
    expect(await submit(key.assert(options, { flags: { uv: false } }))).toMatchObject({ ok: false });
    expect(await submit(key.assert(options))).toEqual({ ok: false, reason: 'expired' });
  });

  it('is good for five minutes', async () => {
    const options = [await asked(), await asked()].map((one) => key.assert(one));
    services.clock.advance(5 * minutes - 1000);
    expect(await submit(options[0] ?? '')).toMatchObject({ ok: true });
    services.clock.advance(1001);
    expect(await submit(options[1] ?? '')).toEqual({ ok: false, reason: 'expired' });
  });

  it.each([
    ['made up', () => 'A'.repeat(43)],
    ['of another interaction', async () => (await asked(anEntry())).challenge],
  ])('that is %s is good for nothing', async (_, challenge) => {
    const options = { ...(await asked()), challenge: await challenge() };
    expect(await submit(key.assert(options))).toEqual({ ok: false, reason: 'expired' });
  });

  it.each(['second_step', 'step_up', 'enrol', 'offer'] as const)(
    'made for %s signs nobody in',
    async (purpose) => {
      const wish = {
        purpose,
        about: [entry.interactionUid],
        userVerification: 'required',
        allowed: [],
      } as const;
      const begun = await askForPasskey(services, wish, source);
      if (!begun.ok) throw new Error(begun.reason);
      expect(await submit(key.assert(begun.options))).toEqual({ ok: false, reason: 'expired' });
    },
  );
});

describe('what the sign-in page asks for (misuse case WA-11)', () => {
  it('is the same for everybody, with and without passkeys', async () => {
    const { challenge, ...options } = await asked();
    expect(options).toEqual({
      rpId: 'localhost',
      timeout: 300_000,
      userVerification: 'required',
      allowCredentials: [],
    });
    expect(challenge).toMatch(/^[\w-]{43}$/);
    expect((await asked()).challenge).not.toBe(challenge);
  });

  it('stops when an address asks for too many', async () => {
    const from = { ...source, ip: '192.0.2.200' };
    const wish = { ...signInChallenge(entry), userVerification: 'required' as const, allowed: [] };
    for (let turn = 0; turn < 1000; turn += 1) await askForPasskey(services, wish, from);
    expect(await askForPasskey(services, wish, from)).toMatchObject({ ok: false, reason: 'limited' });
  });
});

describe('a counter (misuse case WA-05)', () => {
  it('of 0 is that of an authenticator that does not count', async () => {
    expect(await signIn()).toMatchObject({ ok: true });
    expect(await signIn({ counter: 0 })).toMatchObject({ ok: true });
  });

  it.each([9, 10, 0])(
    'that goes from 10 to %i gives a copy away: refused, marked, and told once',
    async (counter) => {
      const { authenticator, passkey } = await aPasskey(services, accountId, { counts: true });
      expect(await signIn({ counter: 10 }, authenticator)).toMatchObject({ ok: true });
      expect(await signIn({ counter }, authenticator)).toEqual({ ok: false, reason: 'refused' });
      expect(await signIn({ counter }, authenticator)).toEqual({ ok: false, reason: 'refused' });
      const events = await listEvents(services, { accountId, limit: 3 });
      expect(events.map(({ type }) => type).sort()).toEqual([
        'passkey.copy_suspected',
        'passkey.refused',
        'passkey.refused',
      ]);
      expect(await warnings()).toBe(1);
      expect((await stored(passkey.id))?.copySuspectedAt).toBe(services.clock.now());
      expect(await signIn({ counter: 11 }, authenticator)).toMatchObject({ ok: true });
    },
  );

  it('lets a key or its copy through, never both', async () => {
    const { authenticator } = await aPasskey(services, accountId, { counts: true });
    const copy = authenticator.copy();
    const responses = [authenticator.assert(await asked()), copy.assert(await asked())];
    const answers = await Promise.all(responses.map((response) => submit(response)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });
});
