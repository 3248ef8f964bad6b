import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { beginPasskey, enrolPasskey } from '../../src/actions/enrol-passkey.ts';
import { isLastSecondStep, removePasskey } from '../../src/actions/remove-passkey.ts';
import { renamePasskey } from '../../src/actions/rename-passkey.ts';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listPasskeys, mostPasskeys } from '../../src/credentials/passkeys.ts';
import { userHandle } from '../../src/credentials/passkeys-user.ts';
import { minutes } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { anAccount, aSession, source, subjectsSent } from '../support/account-in-use.ts';
import { aPasskey, enrol } from '../support/passkeys.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
let sessionUid: string;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(30 * minutes);
  accountId = await anAccount(services);
  sessionUid = await aSession(services, accountId);
});

const types = async () => (await listEvents(services, { accountId, limit: 10 })).map(({ type }) => type);
const names = async () => (await listPasskeys(services, accountId)).map(({ name }) => name);
const remove = (id: string, whose = accountId) =>
  removePasskey(services, { accountId: whose, sessionUid, id, locale: 'en' }, source);

describe('adding a passkey', () => {
  it('names it by its maker, else by its browser, and never two alike', async () => {
    const bitwarden = 'd548826e-79b4-db40-a3d8-11116f7e8349';
    await aPasskey(services, accountId, { aaguid: bitwarden });
    services.clock.advance(1);
    await aPasskey(services, accountId, { aaguid: bitwarden });
    services.clock.advance(1);
    await aPasskey(services, accountId, { name: 'Passkey (Firefox on Linux)' });
    expect(await names()).toEqual(['Bitwarden', 'Bitwarden 2', 'Passkey (Firefox on Linux)']);
  });

  it('keeps what tells it apart: kind, backup, where and when', async () => {
    const { passkey } = await aPasskey(services, accountId, { flags: { be: true, bs: false } });
    expect(passkey).toMatchObject({
      kind: 'passkey',
      backup: 'eligible',
      transports: ['internal', 'hybrid'],
      verifiedSince: services.clock.now(),
      createdAt: services.clock.now(),
      createdIp: source.ip,
      createdUserAgent: source.userAgent,
      lastUsedAt: undefined,
    });
  });

  it('tells every address and records it, and ends no session', async () => {
    await aSession(services, accountId);
    await aPasskey(services, accountId);
    expect(await types()).toEqual(['passkey.added']);
    const [one, other] = (await subjectsSent(services)).slice(0, 2).sort();
    expect(one).toBe('email: A passkey was added to your Latchkey account');
    expect(other).toMatch(/^sms: .*was added to your account/);
    expect(await listSessions(services, accountId)).toHaveLength(2);
  });

  it('gives the authenticator a handle of 64 random bytes, one an account, that tells nothing', async () => {
    const first = await enrol(services, accountId);
    const second = await enrol(services, accountId);
    if (!first.begun.ok || !second.begun.ok) throw new Error('not begun');
    const { user } = first.begun.options;
    expect(Buffer.from(user.id, 'base64url')).toHaveLength(64);
    expect(second.begun.options.user.id).toBe(user.id);
    expect(user.id).not.toContain(accountId);
    expect(await userHandle(services, await anAccount(services))).not.toBe(user.id);
    const handles = await Promise.all([1, 2, 3].map(() => userHandle(services, accountId)));
    expect(new Set([...handles, user.id]).size).toBe(1);
  });

  it('asks for what we take, names what is there already, and wants no attestation', async () => {
    const { authenticator } = await aPasskey(services, accountId);
    const { begun } = await enrol(services, accountId);
    if (!begun.ok) throw new Error('not begun');
    expect(begun.options).toMatchObject({
      rp: { id: 'localhost', name: 'Latchkey' },
      attestation: 'none',
      excludeCredentials: [{ type: 'public-key', id: authenticator.id }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    expect(begun.options.pubKeyCredParams.map(({ alg }) => alg)).toEqual([-8, -7, -257]);
  });

  it.each([
    ['nobody recognised', { flags: { uv: false } }, 'not_verified'],
    ['another origin', { origin: 'http://localhost:1' }, 'refused'],
    ['another party', { rpId: 'evil.test' }, 'refused'],
    ['a sign-in', { type: 'webauthn.get' }, 'refused'],
  ])('is refused from %s, and leaves nothing', async (_, made, reason) => {
    expect((await enrol(services, accountId, { made })).enrolled).toEqual({ ok: false, reason });
    expect(await names()).toEqual([]);
    expect(await types()).toEqual([]);
  });

  it('refuses a key that an account has already, this one or another', async () => {
    const { authenticator } = await aPasskey(services, accountId);
    const again = { ok: false, reason: 'already_registered' };
    expect((await enrol(services, accountId, { id: authenticator.id })).enrolled).toEqual(again);
    const other = await anAccount(services);
    expect((await enrol(services, other, { id: authenticator.id })).enrolled).toEqual(again);
    expect(await listPasskeys(services, other)).toEqual([]);
  });

  it('has room for so many, also when two come at once for the last place', async () => {
    for (let made = 1; made < mostPasskeys; made += 1) await aPasskey(services, accountId);
    const both = await Promise.all([enrol(services, accountId), enrol(services, accountId)]);
    expect(both.filter(({ enrolled }) => enrolled.ok)).toHaveLength(1);
    expect((await enrol(services, accountId)).begun).toEqual({ ok: false, reason: 'too_many' });
  });
});

describe('the challenge of a registration', () => {
  const what = () => ({ accountId, at: 'enrol', boundTo: sessionUid, making: 'passkey' }) as const;
  const registered = async () => {
    const begun = await beginPasskey(services, what(), source);
    if (!begun.ok) throw new Error(begun.reason);
    return new SoftwareAuthenticator({ origin: services.settings.issuer.origin }).register(begun.options);
  };
  const send = (response: string, other: object = {}) =>
    enrolPasskey(services, { ...what(), ...other, response, fallbackName: 'x', locale: 'en' }, source);
  const expired = { ok: false, reason: 'expired' };

  it.each([
    ['of another session', async () => ({ boundTo: await aSession(services, accountId) })],
    ['of another account', async () => ({ accountId: await anAccount(services) })],
    ['for something else to be made', async () => ({ making: 'quiet_passkey' })],
    ['of the offer after a sign-in', async () => ({ at: 'offer' })],
  ])('%s adds nothing', async (_, other) => {
    expect(await send(await registered(), await other())).toEqual(expired);
  });

  it('is good once, for five minutes, and for one of two at once', async () => {
    const first = await registered();
    const answers = await Promise.all([send(first), send(first)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await send(first)).toEqual(expired);
    const late = await registered();
    services.clock.advance(5 * minutes + 1);
    expect(await send(late)).toEqual(expired);
  });
});

describe('a security key', () => {
  const key = { making: 'security_key', flags: { be: false, bs: false, uv: false } } as const;

  it('needs no user verification, turns the second step on, and ends the sessions that came in without', async () => {
    await aSession(services, accountId);
    await aPasskey(services, accountId, { ...key, boundTo: sessionUid });
    expect((await twoStepOf(services, accountId)).on).toBe(true);
    expect((await listSessions(services, accountId)).map(({ uid }) => uid)).toEqual([sessionUid]);
    expect(await listPasskeys(services, accountId)).toMatchObject([
      { kind: 'security_key', verifiedSince: undefined, backup: 'none' },
    ]);
  });

  it('is not asked for when the account has a passkey only', async () => {
    await aPasskey(services, accountId);
    expect((await twoStepOf(services, accountId)).on).toBe(false);
  });

  it('stays while the second step is on and nothing else could prove it (misuse case WA-13)', async () => {
    const both = [await aPasskey(services, accountId, key), await aPasskey(services, accountId, key)];
    const answers = await Promise.all(both.map(({ passkey }) => remove(passkey.id)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.filter(({ ok }) => !ok)).toEqual([{ ok: false, reason: 'last_second_step' }]);
    const [last] = await listPasskeys(services, accountId);
    expect(await isLastSecondStep(services, { accountId, id: last?.id ?? '' })).toBe(true);
    expect((await twoStepOf(services, accountId)).on).toBe(true);
  });
});

describe('a passkey that is there', () => {
  it('is renamed by its owner, not to a name that another has', async () => {
    const { passkey } = await aPasskey(services, accountId);
    await aPasskey(services, accountId, { name: 'Work' });
    const rename = (name: string, whose = accountId) =>
      renamePasskey(services, { accountId: whose, sessionUid, id: passkey.id, name }, source);
    expect(await rename('Laptop')).toEqual({ ok: true });
    expect(await rename('Work')).toEqual({ ok: false, reason: 'name_taken' });
    expect(await rename('Mine', await anAccount(services))).toEqual({ ok: false, reason: 'unknown' });
    expect((await names()).sort()).toEqual(['Laptop', 'Work']);
  });

  it('is removed by its owner: other sessions end, every address is told (misuse case WA-13)', async () => {
    const { passkey } = await aPasskey(services, accountId);
    await aSession(services, accountId);
    const stranger = await anAccount(services);
    expect(await remove(passkey.id, stranger)).toEqual({ ok: false, reason: 'unknown' });
    expect(await remove(passkey.id)).toEqual({ ok: true });
    expect(await names()).toEqual([]);
    expect((await listSessions(services, accountId)).map(({ uid }) => uid)).toEqual([sessionUid]);
    expect(await types()).toEqual(['sessions.ended', 'passkey.removed', 'passkey.added']);
    expect(await subjectsSent(services)).toContain('email: A passkey was removed from your Latchkey account');
  });

  it('stays when it is the only way in (misuse case WA-13), also when two are removed at once', async () => {
    const both = [await aPasskey(services, accountId), await aPasskey(services, accountId)];
    await services.db.deleteFrom('passwords').where('account_id', '=', accountId).execute();
    const answers = await Promise.all(both.map(({ passkey }) => remove(passkey.id)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.filter(({ ok }) => !ok)).toEqual([{ ok: false, reason: 'last_way_in' }]);
    expect(await names()).toHaveLength(1);
  });
});
