import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Occasion } from '../../src/actions/second-step-kinds.ts';
import { askForPasskeyStep, passkeyKind } from '../../src/actions/second-step-passkey.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { findTwoStep } from '../../src/credentials/two-step.ts';
import { minutes } from '../../src/kit/durations.ts';
import { newSecret } from '../../src/kit/secrets.ts';
import { anAccount, source } from '../support/account-in-use.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
let occasion: Occasion;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(30 * minutes);
  accountId = await anAccount(services);
  occasion = { purpose: 'second_step', boundTo: newSecret(), locale: 'en', from: source };
});

const touch = { making: 'security_key', flags: { be: false, bs: false, uv: false } } as const;
async function asked(at = occasion, whose = accountId) {
  const begun = await askForPasskeyStep(services, { accountId: whose, occasion: at });
  if (!begun.ok) throw new Error(begun.reason);
  return begun.options;
}
async function check(response: string, at = occasion) {
  const [method] = await passkeyKind.list(services, accountId, findTwoStep(services, accountId));
  if (!method) throw new Error('no passkey');
  const named = { ...method, kind: 'passkey', preferred: false } as const;
  return passkeyKind.check(services, {
    accountId,
    method: named,
    occasion: at,
    kept: {},
    answer: { response },
  });
}
const answer = async (
  key: SoftwareAuthenticator,
  wrong: Parameters<SoftwareAuthenticator['assert']>[1] = {},
) => check(key.assert(await asked(), wrong));

describe('a passkey or security key as a second step', () => {
  it('names the keys of the account that proved its password, and asks of a bare key no more than a touch', async () => {
    const { authenticator: key } = await aPasskey(services, accountId, touch);
    expect(await asked()).toMatchObject({
      userVerification: 'discouraged',
      allowCredentials: [{ id: key.id }],
    });
    const { authenticator: passkey } = await aPasskey(services, accountId);
    const options = await asked();
    expect(options.userVerification).toBe('preferred');
    expect(options.allowCredentials.map(({ id }) => id).sort()).toEqual([key.id, passkey.id].sort());
  });

  it('is proved without user verification, with or without a user handle', async () => {
    const { authenticator: key } = await aPasskey(services, accountId, touch);
    expect(await answer(key)).toEqual({ ok: true, amr: ['hwk', 'user'] });
    expect(await answer(key, { userHandle: null })).toEqual({ ok: true, amr: ['hwk', 'user'] });
  });

  it('may count for both factors from then on, if it knew its user beside the password', async () => {
    const quiet = { making: 'quiet_passkey', made: { flags: { up: false, uv: false } } } as const;
    const { authenticator } = await aPasskey(services, accountId, quiet);
    const since = async () => (await listPasskeys(services, accountId))[0]?.verifiedSince;
    await answer(authenticator, { flags: { uv: false } });
    expect(await since()).toBeUndefined();
    await answer(authenticator);
    expect(await since()).toBe(services.clock.now());
  });

  it("refuses another account's key, whatever handle it shows (misuse case WA-07)", async () => {
    const { authenticator: mine } = await aPasskey(services, accountId, touch);
    const { authenticator: theirs } = await aPasskey(services, await anAccount(services));
    const refused = { ok: false, reason: 'wrong_code' };
    expect(await answer(theirs)).toEqual(refused);
    expect(await answer(theirs, { userHandle: mine.userHandle })).toEqual(refused);
    expect(await answer(theirs, { id: mine.id })).toEqual(refused);
    expect(await answer(mine, { userHandle: theirs.userHandle })).toEqual(refused);
  });

  it.each([
    ['of another interaction', () => ({ ...occasion, boundTo: newSecret() })],
    ['of a fresh proof', () => ({ ...occasion, purpose: 'step_up' as const })],
  ])('refuses a challenge %s (misuse case MF-07)', async (_, other) => {
    const { authenticator } = await aPasskey(services, accountId);
    const response = authenticator.assert(await asked(other()));
    expect(await check(response)).toEqual({ ok: false, reason: 'expired' });
  });

  it('refuses a challenge that was made for another account in the same interaction', async () => {
    const { authenticator } = await aPasskey(services, accountId);
    const response = authenticator.assert(await asked(occasion, await anAccount(services)));
    expect(await check(response)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is none when the issuer is a bare address', async () => {
    const bare = await openTestServices({ ISSUER: 'http://127.0.0.1:3000' });
    const state = findTwoStep(bare, accountId);
    expect(await passkeyKind.list(bare, accountId, state)).toEqual([]);
    await state;
    await bare.close();
  });
});

describe('a passkey as a fresh proof', () => {
  beforeEach(() => {
    occasion = { ...occasion, purpose: 'step_up' };
  });

  it('knows its user: an open browser and a key in it are not enough', async () => {
    const { authenticator } = await aPasskey(services, accountId);
    expect((await asked()).userVerification).toBe('required');
    expect(await answer(authenticator, { flags: { uv: false } })).toEqual({
      ok: false,
      reason: 'wrong_code',
    });
    expect(await answer(authenticator)).toEqual({ ok: true, amr: ['swk', 'user'] });
  });

  it('is a touch for who has a bare key', async () => {
    const { authenticator } = await aPasskey(services, accountId, touch);
    expect((await asked()).userVerification).toBe('discouraged');
    expect(await answer(authenticator)).toEqual({ ok: true, amr: ['hwk', 'user'] });
  });
});
