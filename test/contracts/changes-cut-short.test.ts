import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findAccount } from '../../src/accounts/account.ts';
import { changePassword } from '../../src/actions/change-password.ts';
import { removePasskey } from '../../src/actions/remove-passkey.ts';
import { removeSecondStep } from '../../src/actions/remove-second-step.ts';
import { submitNewPassword } from '../../src/actions/reset-password-set.ts';
import { turnOffTwoStep } from '../../src/actions/turn-off-two-step.ts';
import type { EventType } from '../../src/audit/catalogue.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { verifyPassword } from '../../src/credentials/password.ts';
import { listTotp } from '../../src/credentials/totp.ts';
import { addTrustedDevice, listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { days } from '../../src/kit/durations.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { aGrant, anAccount, anApp, aSession, password, source } from '../support/account-in-use.ts';
import { apart, cutShort, diesBehind } from '../support/cut-short.ts';
import { aPasskey } from '../support/passkeys.ts';
import { giveTotp } from '../support/second-steps.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';
import { until } from '../support/timing.ts';

type Who = { accountId: string; sessionUid: string };
type InUse = Who & { theirs: string; email: string; phone: string };
type Change = {
  name: string;
  event: EventType;
  /** Of the notice by e-mail. */
  subject: string;
  /** Fills the form in, and answers what posts it. */
  begins(on: TestServices, who: InUse): Promise<() => Promise<unknown>>;
  isMade(who: Who): Promise<boolean>;
  /** The session that it is done in ends as well. */
  endsAll?: true;
};

const next = 'copper window thursday moss';

/**
 * Changes to how a person proves themselves, which the live state cuts short at each of its commits in turn. The change
 * stands in the records then, and the person who repeats it is told that the old password is wrong, or that there is nothing
 * to remove: so whoever came in by the old proof must be out without a repeat, and the owner be told; and once, for all that.
 */
describe('a change that is cut short', () => {
  let services: TestServices;
  let clientId: string;
  beforeAll(async () => {
    services = await openTestServices();
    clientId = await anApp(services, 'Bakery');
  });
  afterAll(() => services.close());

  const hasNewPassword = async ({ accountId }: Who) =>
    !(await verifyPassword(services, { accountId, password }));
  const changes: Change[] = [
    {
      name: 'another password',
      event: 'password.changed',
      subject: 'Your Latchkey password was changed',
      begins: async (on, who) => () =>
        changePassword(on, { ...who, current: password, next, locale: 'en' }, source),
      isMade: hasNewPassword,
    },
    {
      name: 'a forgotten password set anew',
      event: 'password.reset',
      subject: 'Your Latchkey password was reset',
      begins: async (on, { accountId, email }) => {
        const contact = { channel: 'email', address: email, written: email } as const;
        const provedAt = services.clock.now();
        const progress = { at: 'new_password', accountId, ...contact, provedAt } as const;
        services.clock.advance(1000);
        return () => submitNewPassword(on, { progress, password: next, locale: 'en' }, source);
      },
      isMade: hasNewPassword,
      endsAll: true,
    },
    {
      name: 'an authenticator app removed',
      event: 'totp.removed',
      subject: 'An authenticator app was removed from your Latchkey account',
      begins: async (on, who) => {
        const [first] = await listTotp(services, who.accountId);
        return () => removeSecondStep(on, { ...who, kind: 'totp', id: first?.id ?? '' }, source);
      },
      isMade: async ({ accountId }) => (await listTotp(services, accountId)).length < 2,
    },
    {
      name: 'a passkey removed',
      event: 'passkey.removed',
      subject: 'A passkey was removed from your Latchkey account',
      begins: async (on, who) => {
        const { passkey } = await aPasskey(services, who.accountId);
        return () => removePasskey(on, { ...who, id: passkey.id, locale: 'en' }, source);
      },
      isMade: async ({ accountId }) => (await listPasskeys(services, accountId)).length === 0,
    },
    {
      name: 'two-step verification turned off',
      event: 'two_step.turned_off',
      subject: 'Two-step verification was turned off for your Latchkey account',
      begins: async (on, who) => () => turnOffTwoStep(on, who, source),
      isMade: async ({ accountId }) => (await listTotp(services, accountId)).length === 0,
    },
  ];

  /** In use in two browsers, each with an app, and one of them trusted; twice the second step. */
  async function inUse(): Promise<InUse> {
    services.clock.advance(1 * days);
    const accountId = await anAccount(services);
    for (let methods = 0; methods < 2; methods += 1) await giveTotp(services, accountId);
    const [ours, theirs] = [
      await aGrant(services, accountId, clientId),
      await aGrant(services, accountId, clientId),
    ];
    const sessionUid = await aSession(services, accountId, { [clientId]: ours });
    await aSession(services, accountId, { [clientId]: theirs });
    await addTrustedDevice(services, { accountId, provedAt: services.clock.now(), from: source });
    services.clock.advance(5000);
    const { contacts = [] } = (await findAccount(services, accountId)) ?? {};
    const [email = '', phone = ''] = ['email', 'phone'].map(
      (wanted) => contacts.find(({ channel }) => channel === wanted)?.address,
    );
    return { accountId, sessionUid, theirs, email, phone };
  }

  async function isAlone({ accountId, sessionUid, theirs }: InUse, { endsAll }: Change): Promise<boolean> {
    const sessions = await listSessions(services, accountId);
    const grants = await listGrants(services, accountId);
    const devices = await listTrustedDevices(services, accountId);
    const others = endsAll ? sessions : sessions.filter(({ uid }) => uid !== sessionUid);
    const apps = endsAll ? grants : grants.filter(({ grantId }) => grantId === theirs);
    return others.length + apps.length + devices.length === 0;
  }

  async function timesTold({ accountId, email }: InUse, { event, subject }: Change) {
    const outbox = await listOutbox(services, { limit: 1000 });
    const recorded = await listEvents(services, { accountId, types: [event], limit: 10 });
    const sent = outbox.filter((one) => one.to === email && one.subject === subject);
    return { recorded: recorded.length, sent: sent.length };
  }

  it.each(changes)('leaves nobody in by the old proof, and is told once: $name', async (change) => {
    const made: InUse[] = [];
    for (let place = 1; ; place += 1) {
      const who = await inUse();
      const on = apart(services);
      const post = await change.begins(on, who);
      const cut = cutShort({ services: on }, { place, heard: place % 2 === 0 });
      const failed = await post().then(
        () => undefined,
        (error: unknown) => error,
      );
      cut.mended();
      if (!cut.happened()) break;
      expect(failed).toBeInstanceOf(StoreUnavailable);
      if (!(await change.isMade(who))) continue;
      await until(async () => (await isAlone(who, change)) && (await timesTold(who, change)).sent > 0);
      await post();
      made.push(who);
    }
    expect(made.length).toBeGreaterThan(1);
    for (const who of made) expect(await timesTold(who, change)).toEqual({ recorded: 1, sent: 1 });
  });

  it.each(changes)('has signed the others out where the process dies behind it: $name', async (change) => {
    const who = await diesBehind(services, { ...change, whoever: inUse });
    const { signedOutBefore = 0, signedOutExcept } = (await findAccount(services, who.accountId)) ?? {};
    expect(signedOutBefore).toBe(Math.floor(services.clock.now() / 1000) * 1000);
    expect(signedOutExcept).toBe(change.endsAll ? null : who.sessionUid);
  });

  it.each(changes)('is told once where the texts cannot be counted: $name', async (change) => {
    const who = await inUse();
    const on = apart(services);
    const post = await change.begins(on, who);
    const { live } = on;
    const { count } = live;
    live.count = async (key, ...rest) => {
      if (key.includes('notice_text')) throw new StoreUnavailable('live', new Error('taken away by a test'));
      return count(key, ...rest);
    };
    await post();
    live.count = count;
    const texts = async () =>
      (await listOutbox(services, { limit: 1000 })).filter(({ to }) => to === who.phone);
    await until(async () => (await texts()).length > 0);
    expect(await timesTold(who, change)).toEqual({ recorded: 1, sent: 1 });
    expect(await texts()).toHaveLength(1);
  });
});
