import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import { beginTotp, enrolTotp } from '../../src/actions/enrol-totp.ts';
import { freshProof } from '../../src/actions/fresh-proof.ts';
import { removeSecondStep } from '../../src/actions/remove-second-step.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listTotp, removeTotp, verifyTotp } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { anAccount, aSession, source, subjectsSent } from '../support/account-in-use.ts';
import { wrongCode } from '../support/second-steps.ts';
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

const begin = async (who = { accountId, sessionUid }) => {
  const begun = await beginTotp(services, who);
  if (!begun.ok) throw new Error(begun.reason);
  return begun;
};
const codeOf = (secret: string) => generate({ secret, epoch: Math.floor(services.clock.now() / 1000) });
const enrol = (code: string, who = { accountId, sessionUid }) =>
  enrolTotp(services, { ...who, code, name: 'Phone' }, source);
const types = async () => (await listEvents(services, { accountId, limit: 10 })).map(({ type }) => type);

describe('setting up an authenticator app', () => {
  it('turns it on with the first code, which is used up by it', async () => {
    const { secret, uri } = await begin();
    expect(uri).toContain(`secret=${secret}`);
    const code = await codeOf(secret);
    expect(await enrol(code)).toMatchObject({ ok: true });
    expect(await listTotp(services, accountId)).toMatchObject([{ name: 'Phone' }]);
    expect(await verifyTotp(services, { accountId, code })).toEqual({
      ok: false,
      reason: 'code_already_used',
    });
  });

  it('shows the same secret after a reload, and after a wrong code', async () => {
    const { secret } = await begin();
    expect((await begin()).secret).toBe(secret);
    const code = await codeOf(secret);
    expect(await enrol(await wrongCode(secret, services.clock.now()))).toEqual({
      ok: false,
      reason: 'wrong_code',
    });
    expect((await begin()).secret).toBe(secret);
    expect(await enrol(code)).toMatchObject({ ok: true });
  });

  it('keeps the secret to the session that asked for it, and sealed', async () => {
    const { secret } = await begin();
    const otherBrowser = { accountId, sessionUid: await aSession(services, accountId) };
    expect(await enrol(await codeOf(secret), otherBrowser)).toEqual({ ok: false, reason: 'expired' });
    expect((await begin(otherBrowser)).secret).not.toBe(secret);
    const somebody = await anAccount(services);
    expect(await enrol(await codeOf(secret), { accountId: somebody, sessionUid })).toEqual({
      ok: false,
      reason: 'expired',
    });
    const [waiting] = await services.live.read([`{account ${accountId}}:totp:${sessionUid}`]);
    expect(waiting?.value).toBeDefined();
    expect(waiting?.value).not.toContain(secret);
  });

  it('forgets a secret that nobody confirmed', async () => {
    const { secret } = await begin();
    services.clock.advance(21 * minutes);
    expect(await enrol(await codeOf(secret))).toEqual({ ok: false, reason: 'expired' });
    expect((await begin()).secret).not.toBe(secret);
  });

  it('ends the sessions that came in without it, tells every address, and records it', async () => {
    await aSession(services, accountId);
    const { secret } = await begin();
    await enrol(await codeOf(secret));
    expect((await listSessions(services, accountId)).map(({ uid }) => uid)).toEqual([sessionUid]);
    expect(await types()).toEqual(['sessions.ended', 'totp.enrolled']);
    const sent = (await subjectsSent(services)).slice(0, 2).sort();
    expect(sent[0]).toBe('email: Two-step verification was turned on for your Latchkey account');
    expect(sent[1]).toMatch(/^sms: /);
  });

  it('is a proof for the next change too, in this session alone, for ten minutes', async () => {
    const elsewhere = await aSession(services, accountId);
    const proved = async (uid: string) => {
      const session = { uid, signedInAt: services.clock.now() - 60 * minutes, amr: ['pwd'] };
      return (await freshProof(services, { accountId, session })).ok;
    };
    expect(await proved(sessionUid)).toBe(false);
    const { secret } = await begin();
    await enrol(await codeOf(secret));
    expect([await proved(sessionUid), await proved(elsewhere)]).toEqual([true, false]);
    services.clock.advance(11 * minutes);
    expect(await proved(sessionUid)).toBe(false);
  });

  it('is done once when the form is posted twice at once', async () => {
    const { secret } = await begin();
    const code = await codeOf(secret);
    await Promise.all([enrol(code), enrol(code)]);
    expect(await listTotp(services, accountId)).toHaveLength(1);
    expect(await types()).toEqual(['totp.enrolled']);
  });

  it('is done still when the form is posted again, and shows the next app another secret', async () => {
    const { secret } = await begin();
    const code = await codeOf(secret);
    const first = await enrol(code);
    expect([first.ok, await enrol(code)]).toEqual([true, first]);
    expect(await types()).toEqual(['totp.enrolled']);
    expect((await begin()).secret).not.toBe(secret);
  });

  it('does not come back by a form of before, once it was removed', async () => {
    const { secret } = await begin();
    const code = await codeOf(secret);
    const first = await enrol(code);
    if (!first.ok) throw new Error(first.reason);
    await removeTotp(services, { accountId, id: first.id });
    expect(await enrol(code)).toEqual({ ok: false, reason: 'expired' });
    expect(await listTotp(services, accountId)).toEqual([]);
  });

  it('has room for ten apps and says so to the eleventh', async () => {
    for (let app = 0; app < 10; app += 1) {
      const { secret } = await begin();
      expect(await enrol(await codeOf(secret))).toMatchObject({ ok: true });
    }
    expect(await beginTotp(services, { accountId, sessionUid })).toEqual({ ok: false, reason: 'too_many' });
  });
});

describe('removing an authenticator app', () => {
  const enrolled = async () => {
    const { secret } = await begin();
    const added = await enrol(await codeOf(secret));
    if (!added.ok) throw new Error(added.reason);
    return added.id;
  };

  const remove = (what: { accountId: string; sessionUid: string; id: string }) =>
    removeSecondStep(services, { ...what, kind: 'totp' }, source);

  it('takes it off, ends other sessions and tells every address', async () => {
    const id = await enrolled();
    const kept = await enrolled();
    await aSession(services, accountId);
    expect(await remove({ accountId, sessionUid, id })).toEqual({ ok: true });
    expect((await listTotp(services, accountId)).map((app) => app.id)).toEqual([kept]);
    expect((await listSessions(services, accountId)).map(({ uid }) => uid)).toEqual([sessionUid]);
    expect(await subjectsSent(services)).toContain(
      'email: An authenticator app was removed from your Latchkey account',
    );
  });

  it('knows no app of somebody else, and touches nothing', async () => {
    const id = await enrolled();
    const stranger = await anAccount(services);
    const session = await aSession(services, stranger);
    expect(await remove({ accountId: stranger, sessionUid: session, id })).toEqual({
      ok: false,
      reason: 'unknown',
    });
    expect(await listTotp(services, accountId)).toHaveLength(1);
  });
});
