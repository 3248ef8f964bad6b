import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { beginPasskey } from '../../src/actions/enrol-passkey.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import {
  acceptPasskey,
  beforeFinishing,
  declinePasskey,
  offeredPasskey,
  type PasskeyOffer,
} from '../../src/actions/offer-passkey.ts';
import { type BrowserAbility, noteBrowserCan, notePasskeyShown } from '../../src/actions/passkey-visit.ts';
import { type Entry, type Finished, isAnotherFactor, signInStep } from '../../src/actions/sign-in.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { changeTwoStep, turnOn } from '../../src/credentials/two-step.ts';
import { days, minutes } from '../../src/kit/durations.ts';
import { anAccount, source } from '../support/account-in-use.ts';
import { anEntry, aPasskey } from '../support/passkeys.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
let entry: Entry;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(30 * minutes);
  accountId = await anAccount(services);
  entry = anEntry();
});

const finished = (amr = ['pwd']): Finished => ({ at: 'finished', accountId, amr, remember: false });
async function next(can: BrowserAbility[], amr?: string[], at = entry) {
  await noteBrowserCan(services, at.interactionUid, can);
  return await beforeFinishing(services, finished(amr), at);
}
async function offer(): Promise<PasskeyOffer> {
  const step = await next(['offer', 'quiet']);
  if (step.at !== 'passkey_offer') throw new Error(step.at);
  return step;
}

describe('a passkey for next time', () => {
  it('is offered after a password, to a browser that can', async () => {
    expect(await next(['offer'])).toMatchObject({ at: 'passkey_offer', quiet: false });
    expect(await next(['offer', 'quiet'])).toMatchObject({ at: 'passkey_offer', quiet: true });
    expect(await next(['offer'], ['pwd', 'otp', 'mfa'])).toMatchObject({ at: 'passkey_offer' });
  });

  it('is not offered to a browser that said nothing, nor after a passkey, nor to who only proves it again', async () => {
    expect(await beforeFinishing(services, finished(), anEntry())).toEqual(finished());
    expect((await next([])).at).toBe('finished');
    expect((await next(['offer'], ['swk', 'user', 'mfa'])).at).toBe('finished');
    expect((await next(['offer'], ['pwd'], anEntry({ stepUp: true }))).at).toBe('finished');
  });

  it('is not offered to who has one', async () => {
    await aPasskey(services, accountId);
    expect((await next(['offer'])).at).toBe('finished');
  });

  it('is not offered after a second step that a trusted device skipped (misuse case MF-15)', async () => {
    await changeTwoStep(services, accountId, (tx) => turnOn(tx, accountId, services.clock.now()));
    expect((await next(['offer'], ['pwd'])).at).toBe('finished');
    expect((await next(['offer'], ['pwd', 'otp', 'mfa'])).at).toBe('passkey_offer');
  });

  it('is not offered where browsers have none, such as at a bare address', async () => {
    const bare = await openTestServices({ ISSUER: 'http://127.0.0.1:3000' });
    await noteBrowserCan(bare, entry.interactionUid, ['offer']);
    expect((await beforeFinishing(bare, finished(), entry)).at).toBe('finished');
    await bare.close();
  });

  it.each([
    [false, 29 * days, false],
    [false, 31 * days, true],
    [true, 400 * days, false],
  ])('declined (for good: %s), after %i ms is offered again: %s', async (never, passed, again) => {
    const { next: went } = await declinePasskey(services, { progress: await offer(), never });
    expect(went).toEqual(finished());
    services.clock.advance(passed);
    expect((await next(['offer'], ['pwd'], anEntry())).at === 'passkey_offer').toBe(again);
  });
});

describe('the offer taken', () => {
  async function made({ quiet = false, step }: { quiet?: boolean; step?: PasskeyOffer } = {}) {
    const progress = step ?? (await offer());
    const begun = await beginPasskey(services, offeredPasskey(progress, entry, { quiet }), source);
    if (!begun.ok) throw new Error(begun.reason);
    const authenticator = new SoftwareAuthenticator({ origin: services.settings.issuer.origin });
    const flags = quiet ? { up: false, uv: false } : {};
    return { progress, response: authenticator.register(begun.options, { flags }) };
  }
  const accept = (
    { progress, response }: Awaited<ReturnType<typeof made>>,
    { quiet = false, at = entry } = {},
  ) => acceptPasskey(services, { progress, response, quiet, fallbackName: 'Passkey' }, at);

  it('adds the passkey and goes on', async () => {
    expect(await accept(await made())).toEqual({ ok: true, next: finished() });
    expect(await listPasskeys(services, accountId)).toHaveLength(1);
  });

  it('takes a key that nobody touched only as one that was made quietly', async () => {
    const unseen = await made({ quiet: true });
    expect(await accept(unseen)).toEqual({ ok: false, reason: 'expired' });
    const other = await made({ quiet: true });
    expect(await accept(other, { quiet: true })).toEqual({ ok: true, next: finished() });
    expect(await listPasskeys(services, accountId)).toMatchObject([{ verifiedSince: undefined }]);
  });

  it('is good in the interaction that was asked, and in no other', async () => {
    expect(await accept(await made(), { at: anEntry() })).toEqual({ ok: false, reason: 'expired' });
  });

  it('leaves nothing when the account was locked meanwhile, and lets nobody in', async () => {
    const ready = await made();
    await lockAccount(services, { accountId, reason: 'test' });
    const start = { at: 'start', notice: 'start_over' };
    expect(await accept(ready)).toEqual({ ok: true, next: start });
    expect(await listPasskeys(services, accountId)).toEqual([]);
    expect((await declinePasskey(services, { progress: ready.progress, never: false })).next).toEqual(start);
  });

  it('adds nothing when what was proved is too old for a change, or no longer enough', async () => {
    const step = await offer();
    services.clock.advance(11 * minutes);
    expect(await accept(await made({ step }))).toEqual({ ok: false, reason: 'expired' });
    const ready = await made();
    await changeTwoStep(services, accountId, (tx) => turnOn(tx, accountId, services.clock.now()));
    expect(await accept(ready)).toEqual({ ok: false, reason: 'expired' });
    expect(await listPasskeys(services, accountId)).toEqual([]);
  });

  it('is too old after a quarter of an hour', async () => {
    const progress = await offer();
    services.clock.advance(15 * minutes + 1);
    expect(signInStep(services, progress)).toEqual({ at: 'start', notice: 'start_over' });
  });
});

describe('a passkey that counts for one factor', () => {
  const quiet = { making: 'quiet_passkey', made: { flags: { up: false, uv: false } } } as const;
  const since = async () => (await listPasskeys(services, accountId))[0]?.verifiedSince;

  it('counts for two once another factor stood beside it', async () => {
    const { passkey } = await aPasskey(services, accountId, quiet);
    await notePasskeyShown(services, entry.interactionUid, passkey.id);
    await next([], ['swk', 'user']);
    expect(await since()).toBeUndefined();
    await next([], ['swk', 'user', 'otp', 'mfa']);
    expect(await since()).toBe(services.clock.now());
  });

  it('gains nothing from the factors of somebody else', async () => {
    const { passkey } = await aPasskey(services, accountId, quiet);
    await notePasskeyShown(services, entry.interactionUid, passkey.id);
    const other = { ...finished(['pwd', 'otp', 'mfa']), accountId: await anAccount(services) };
    await beforeFinishing(services, other, entry);
    expect(await since()).toBeUndefined();
  });

  it('is no second step beside itself', () => {
    const passkey = { kind: 'passkey' } as const;
    expect(isAnotherFactor(passkey, { amr: ['pwd'] })).toBe(true);
    expect(isAnotherFactor(passkey, { amr: ['swk', 'user'] })).toBe(false);
    expect(isAnotherFactor(passkey, { amr: ['hwk', 'user'] })).toBe(false);
    expect(isAnotherFactor({ kind: 'totp' }, { amr: ['swk', 'user'] })).toBe(true);
  });
});
