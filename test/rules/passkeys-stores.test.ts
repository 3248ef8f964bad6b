import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askForPasskey } from '../../src/actions/ask-passkey.ts';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import { signInChallenge, submitPasskey } from '../../src/actions/sign-in-passkey.ts';
import { listPasskeys, mostPasskeys } from '../../src/credentials/passkeys.ts';
import { noteOfferAnswered, userHandle } from '../../src/credentials/passkeys-user.ts';
import { source } from '../support/account-in-use.ts';
import { anEntry, aPasskey, enrol } from '../support/passkeys.ts';
import type { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import type { TestServices } from '../support/stores.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

describe.each(worldKinds)('passkeys on $name', ({ open }) => {
  let world: World;
  let services: TestServices;
  beforeAll(async () => {
    world = await open();
    services = world.services as unknown as TestServices;
  });
  afterAll(() => world.close());

  const entry = anEntry();
  async function assertion(key: SoftwareAuthenticator): Promise<string> {
    const wish = { ...signInChallenge(entry), userVerification: 'required' as const, allowed: [] };
    const begun = await askForPasskey(services, wish, source);
    if (!begun.ok) throw new Error(begun.reason);
    return key.assert(begun.options);
  }
  const submit = (response: string) => submitPasskey(services, { response, remember: false }, entry);
  const passed = (answers: { ok: boolean }[]) => answers.filter(({ ok }) => ok).length;

  it('lets one of many uses of a challenge through', async () => {
    const { accountId } = await world.account();
    const { authenticator } = await aPasskey(services, accountId);
    const response = await assertion(authenticator);
    expect(passed(await Promise.all(Array.from({ length: 10 }, () => submit(response))))).toBe(1);
    expect((await listPasskeys(services, accountId))[0]?.lastUsedAt).toBeDefined();
  });

  it('lets a key or its copy through, never both', async () => {
    const { accountId } = await world.account();
    const { authenticator } = await aPasskey(services, accountId, { counts: true });
    // Copies count on from where the key was, each for itself: both say the same.
    const same = [await assertion(authenticator.copy()), await assertion(authenticator.copy())];
    expect(passed(await Promise.all(same.map(submit)))).toBe(1);
  });

  it('gives an account one handle, however many ask at once', async () => {
    const { accountId } = await world.account();
    const handles = await Promise.all(Array.from({ length: 8 }, () => userHandle(services, accountId)));
    expect(new Set(handles).size).toBe(1);
    await noteOfferAnswered(services, { accountId, never: true });
    expect(await userHandle(services, accountId)).toBe(handles[0]);
  });

  it('registers a key once, whichever accounts it is brought to at once', async () => {
    const accounts = await Promise.all([world.account(), world.account(), world.account()]);
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
    const answers = await Promise.all(accounts.map(({ accountId }) => enrol(services, accountId, { id })));
    expect(passed(answers.map(({ enrolled }) => enrolled))).toBe(1);
  });

  it('has room for so many and no more, also for those that come at once', async () => {
    const { accountId } = await world.account();
    for (let made = 2; made < mostPasskeys; made += 1) await aPasskey(services, accountId);
    const last = await Promise.all([1, 2, 3, 4].map(() => enrol(services, accountId)));
    expect(passed(last.map(({ enrolled }) => enrolled))).toBe(2);
    expect(await listPasskeys(services, accountId)).toHaveLength(mostPasskeys);
  });

  it('turns the second step on with a security key', async () => {
    const { accountId } = await world.account();
    await aPasskey(services, accountId, { making: 'security_key', flags: { uv: false } });
    expect((await twoStepOf(services, accountId)).on).toBe(true);
  });
});
