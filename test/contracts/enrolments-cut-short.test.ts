import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import { findAccount } from '../../src/accounts/account.ts';
import { beginText, enrolText } from '../../src/actions/enrol-text.ts';
import { beginTotp, enrolTotp } from '../../src/actions/enrol-totp.ts';
import { turnOnByPasskey } from '../../src/actions/turn-on-two-step.ts';
import type { EventType } from '../../src/audit/catalogue.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { listTextSteps } from '../../src/credentials/text-steps.ts';
import { listTotp } from '../../src/credentials/totp.ts';
import { findTwoStep } from '../../src/credentials/two-step.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { anAccount, aSession, source } from '../support/account-in-use.ts';
import { apart, cutShort, diesAt, diesBehind } from '../support/cut-short.ts';
import { aPasskey, enrol } from '../support/passkeys.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';
import { until } from '../support/timing.ts';

type Who = { accountId: string; sessionUid: string };
type Enrolment = {
  name: string;
  event: EventType;
  /** Of the notice by e-mail. */
  subject: string;
  /** Fills the form in, and answers what posts it. */
  begins(on: TestServices, who: Who): Promise<() => Promise<{ ok: boolean }>>;
  isMade(who: Who): Promise<boolean>;
  /** What each form makes is another one, and not posted again. */
  alone?: true;
};

/**
 * A second step that is added, or turned on, while the live state goes away, at each of its commits in turn. It stands in the
 * records then. So whoever came in without it must be out, and the owner be told, whether or not the form is posted again; and
 * once, for all that. Who posts it again is told that it is done.
 */
describe('an enrolment that is cut short', () => {
  let services: TestServices;
  let numbers = 0;
  beforeAll(async () => {
    services = await openTestServices({ TEXTS_PER_HOUR: '10000' });
  });
  afterAll(() => services.close());

  const enrolments: Enrolment[] = [
    {
      name: 'an authenticator app',
      event: 'totp.enrolled',
      subject: 'Two-step verification was turned on for your Latchkey account',
      begins: async (on, who) => {
        const begun = await beginTotp(services, who);
        if (!begun.ok) throw new Error(begun.reason);
        const epoch = Math.floor(services.clock.now() / 1000);
        const code = await generate({ secret: begun.secret, epoch });
        return () => enrolTotp(on, { ...who, code, name: 'Phone' }, source);
      },
      isMade: async ({ accountId }) => (await listTotp(services, accountId)).length > 0,
    },
    {
      name: 'codes by text message',
      event: 'text_step.enrolled',
      subject: 'Text messages were added to two-step verification of your Latchkey account',
      begins: async (on, who) => {
        // So that no limit of messages is met. The clock stays: what goes on behind elsewhere knows a repetition for a minute of it.
        numbers += 1;
        const from = { ...source, ip: `10.${numbers}.0.7` };
        const number = `+49151${10_000_000 + numbers * 10_007}`;
        const begun = await beginText(services, { ...who, number, locale: 'en' }, from);
        if (!begun.ok) throw new Error(begun.reason);
        const sent = (await listOutbox(services, { limit: 50 })).find(({ to }) => to === number);
        const code = sent?.codes[0] ?? '';
        return () => enrolText(on, { ...who, code, locale: 'en' }, from);
      },
      isMade: async ({ accountId }) => (await listTextSteps(services, accountId)).length > 0,
    },
    {
      name: 'a security key',
      event: 'passkey.added',
      subject: 'A passkey was added to your Latchkey account',
      begins: async (on, { accountId, sessionUid }) => {
        const key = { making: 'security_key', flags: { be: false, bs: false, uv: false } } as const;
        return async () => (await enrol(on, accountId, { ...key, boundTo: sessionUid })).enrolled;
      },
      isMade: async ({ accountId }) => (await listPasskeys(services, accountId)).length > 0,
      alone: true,
    },
    {
      name: 'the passkeys that are there',
      event: 'two_step.turned_on',
      subject: 'Two-step verification was turned on for your Latchkey account by passkey',
      begins: async (on, who) => {
        await aPasskey(services, who.accountId);
        return () => turnOnByPasskey(on, { ...who, locale: 'en' }, source);
      },
      isMade: async ({ accountId }) => (await findTwoStep(services, accountId)).turnedOnAt !== null,
    },
  ];

  /** In use in two browsers. */
  async function inUse(): Promise<Who> {
    const accountId = await anAccount(services);
    const sessionUid = await aSession(services, accountId);
    await aSession(services, accountId);
    services.clock.advance(5000);
    return { accountId, sessionUid };
  }

  async function isAlone({ accountId, sessionUid }: Who): Promise<boolean> {
    return (await listSessions(services, accountId)).every(({ uid }) => uid === sessionUid);
  }

  async function timesTold({ accountId }: Who, { event, subject }: Enrolment) {
    const account = await findAccount(services, accountId);
    const email = account?.contacts.find(({ channel }) => channel === 'email')?.address;
    const outbox = await listOutbox(services, { limit: 1000 });
    const recorded = await listEvents(services, { accountId, types: [event], limit: 10 });
    const sent = outbox.filter((one) => one.to === email && one.subject === subject);
    return { recorded: recorded.length, sent: sent.length };
  }

  describe.each([
    { name: 'is posted again', heard: false, again: true },
    { name: 'is posted again, where only the reply was lost', heard: true, again: true },
    { name: 'is not posted again', heard: true, again: false },
  ])('and $name', ({ heard, again }) => {
    it.each(enrolments)('signs all others out and is told once: $name', async (enrolment) => {
      const made: Who[] = [];
      for (let place = 1; ; place += 1) {
        const who = await inUse();
        const on = apart(services);
        const post = await enrolment.begins(on, who);
        const cut = cutShort({ services: on }, { place, heard });
        const answer: unknown = await post().catch((error: unknown) => error);
        cut.mended();
        if (!(answer instanceof StoreUnavailable)) {
          expect(answer).toMatchObject({ ok: true });
          break;
        }
        if (!(await enrolment.isMade(who))) continue;
        if (again && !enrolment.alone) expect(await post()).toMatchObject({ ok: true });
        await until(async () => (await isAlone(who)) && (await timesTold(who, enrolment)).sent > 0);
        made.push(who);
      }
      expect(made.length).toBeGreaterThan(3);
      for (const who of made) expect(await timesTold(who, enrolment)).toEqual({ recorded: 1, sent: 1 });
    });
  });

  it.each(enrolments)(
    'has signed the others out where the process dies behind it: $name',
    async (enrolment) => {
      const who = await diesBehind(services, { ...enrolment, whoever: inUse });
      const account = await findAccount(services, who.accountId);
      expect(account?.signedOutBefore).toBe(Math.floor(services.clock.now() / 1000) * 1000);
      expect(account?.signedOutExcept).toBe(who.sessionUid);
    },
  );

  it.each(enrolments.slice(0, 2))(
    'is finished by who posts it again where the process died: $name',
    async (enrolment) => {
      const made: Who[] = [];
      for (let place = 1; ; place += 1) {
        const who = await inUse();
        const on = apart(services);
        const post = await enrolment.begins(on, who);
        const dead = diesAt({ services: on }, place);
        const died = await post().then(
          () => false,
          () => true,
        );
        dead.isAnother();
        if (!died) break;
        if (!(await enrolment.isMade(who))) continue;
        expect(await post()).toMatchObject({ ok: true });
        if (await isAlone(who)) made.push(who);
      }
      expect(made.length).toBeGreaterThan(1);
      for (const who of made) expect((await timesTold(who, enrolment)).sent).toBeLessThan(2);
      expect(await timesTold(made[0] as Who, enrolment)).toEqual({ recorded: 1, sent: 1 });
    },
  );
});
