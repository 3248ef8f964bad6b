import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findAccount } from '../../src/accounts/account.ts';
import { removePasskey } from '../../src/actions/remove-passkey.ts';
import { removeSecondStep } from '../../src/actions/remove-second-step.ts';
import { turnOffTwoStep } from '../../src/actions/turn-off-two-step.ts';
import { turnOnByPasskey } from '../../src/actions/turn-on-two-step.ts';
import type { EventType } from '../../src/audit/catalogue.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listTotp } from '../../src/credentials/totp.ts';
import { addTrustedDevice, listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { anAccount, aSession, source } from '../support/account-in-use.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { aPasskey, enrol } from '../support/passkeys.ts';
import { giveTotp } from '../support/second-steps.ts';
import { openTestServices, preparedPlace, type TestServices } from '../support/stores.ts';
import { until } from '../support/timing.ts';

type Who = { accountId: string; sessionUid: string; locale: 'en' };
type Change = {
  name: string;
  event: EventType;
  /** How many others stay signed in, and how many browsers trusted, of one each. */
  left: [others: number, trusted: number];
  /** Fills the form in, and answers what posts it. */
  begins(on: TestServices, who: Who): Promise<() => Promise<unknown>>;
};

const changes: Change[] = [
  {
    name: 'an authenticator app removed',
    event: 'totp.removed',
    left: [0, 0],
    async begins(on, who) {
      for (let methods = 0; methods < 2; methods += 1) await giveTotp(on, who.accountId);
      const [{ id = '' } = {}] = await listTotp(on, who.accountId);
      return () => removeSecondStep(on, { ...who, kind: 'totp', id }, source);
    },
  },
  {
    name: 'a passkey removed',
    event: 'passkey.removed',
    left: [0, 0],
    async begins(on, who) {
      const { passkey } = await aPasskey(on, who.accountId);
      return () => removePasskey(on, { ...who, id: passkey.id }, source);
    },
  },
  {
    name: 'two-step verification turned off',
    event: 'two_step.turned_off',
    left: [0, 0],
    async begins(on, who) {
      await giveTotp(on, who.accountId);
      return () => turnOffTwoStep(on, who, source);
    },
  },
  {
    name: 'two-step verification turned on by the passkeys that are there',
    event: 'two_step.turned_on',
    left: [0, 1],
    async begins(on, who) {
      await aPasskey(on, who.accountId);
      return () => turnOnByPasskey(on, who, source);
    },
  },
  {
    name: 'a security key',
    event: 'passkey.added',
    left: [0, 1],
    begins: async (on, { accountId, sessionUid }) => {
      const key = { making: 'security_key', flags: { be: false, bs: false, uv: false } } as const;
      return () => enrol(on, accountId, { ...key, boundTo: sessionUid });
    },
  },
  {
    name: 'a passkey',
    event: 'passkey.added',
    left: [1, 1],
    begins: async (on, { accountId }) => {
      return () => enrol(on, accountId);
    },
  },
];

/**
 * The records keep a change to how a person proves themselves, and go away with the reply: the person is told of an outage, and a
 * repetition finds nothing to do. All that follows from the change follows by itself, once they are back.
 */
const servers = process.env['TEST_POSTGRES_URL'] ? describe : undefined;
servers?.('a change of which the records do not say in time that they kept it', () => {
  let services: TestServices;
  let wire: FaultProxy;
  let place: Awaited<ReturnType<typeof preparedPlace>>;
  beforeAll(async () => {
    place = await preparedPlace();
    wire = await openFaultProxy(place.at.url ?? '');
    services = await openTestServices({
      DATABASE_URL: wire.url,
      // What is silent is waited for in each row.
      STORE_TIMEOUT_MS: '4000',
      SECRETS_KEY: randomBytes(32).toString('base64url'),
      COOKIE_KEYS: randomBytes(32).toString('base64url'),
    });
  });
  afterAll(async () => {
    await services.close();
    await wire.close();
    await place.remove();
  });

  async function inUse(): Promise<Who> {
    const accountId = await anAccount(services);
    const sessionUid = await aSession(services, accountId);
    await aSession(services, accountId);
    await addTrustedDevice(services, { accountId, provedAt: services.clock.now(), from: source });
    services.clock.advance(5000);
    return { accountId, sessionUid, locale: 'en' };
  }

  /** Events and mails since it began. */
  async function told({ accountId }: Who, event: EventType) {
    const { contacts = [] } = (await findAccount(services, accountId)) ?? {};
    const outbox = await listOutbox(services, { limit: 1000 });
    const events = await listEvents(services, { accountId, types: [event], limit: 10 });
    const sent = outbox.filter(({ to }) => contacts.some((one) => one.address === to && to.includes('@')));
    return { events: events.length, sent: sent.length };
  }

  async function left({ accountId, sessionUid }: Who): Promise<[number, number]> {
    const others = (await listSessions(services, accountId)).filter(({ uid }) => uid !== sessionUid);
    return [others.length, (await listTrustedDevices(services, accountId)).length];
  }

  it.each(changes)(
    'ends the others and tells once: $name',
    async (change) => {
      const { event, begins } = change;
      const who = await inUse();
      const post = await begins(services, who);
      const before = await told(who, event);
      const cuts = wire.cuts();
      wire.cutReplyTo('commit', 'silence');
      await expect(post()).rejects.toThrow(StoreUnavailable);
      expect(wire.cuts()).toBe(cuts + 1);
      wire.silence(false);
      // Some connections broke; who finds one of those asks again.
      await until(async () => (await told(who, event).catch(() => before)).sent > before.sent);
      expect(await left(who)).toEqual(change.left);
      // What a repetition makes is another key, and told of; of all else it finds nothing to do.
      const times = event === 'passkey.added' ? 2 : 1;
      await post();
      const after = await told(who, event);
      expect([after.events - before.events, after.sent - before.sent]).toEqual([times, times]);
    },
    120_000,
  );

  it.each([changes[0], changes[3]] as Change[])(
    'tells once of what many posted at once: $name',
    async ({ event, begins }) => {
      const who = await inUse();
      const post = await begins(services, who);
      const before = await told(who, event);
      const cuts = wire.cuts();
      wire.cutReplyTo('commit', 'silence');
      const answers = await Promise.allSettled(Array.from({ length: 6 }, post));
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill('rejected'));
      expect(wire.cuts()).toBe(cuts + 1);
      wire.silence(false);
      await until(async () => (await told(who, event).catch(() => before)).sent > before.sent);
      // Each of the six looks again for as long as a page would have waited.
      await sleep(services.live.timeoutMs);
      const after = await told(who, event);
      expect([after.events - before.events, after.sent - before.sent]).toEqual([1, 1]);
    },
    120_000,
  );
});
