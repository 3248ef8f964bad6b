import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { days, minutes, seconds } from '../../src/kit/durations.ts';
import { openSeals } from '../../src/kit/sealing.ts';
import { deliverDue, forgetOldMessages, startDelivery } from '../../src/mail/delivery.ts';
import { sendMessage } from '../../src/mail/message.ts';
import { listOutbox, outboxIsOpen } from '../../src/mail/outbox.ts';
import { openTransports } from '../../src/mail/transports.ts';
import { readSettings } from '../../src/settings.ts';
import type { Database } from '../../src/store/tables.ts';
import { openLog } from '../../src/web/log.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';
import { databaseKinds, openTestDatabase, testClock } from '../support/stores.ts';
import { timed, until } from '../support/timing.ts';

const email = { channel: 'email', written: 'Ada@münchen.de' } as const;
const phone = { channel: 'phone', written: '+1 202 555 0123' } as const;

describe.each(databaseKinds)('messages on %s', (kind) => {
  let db: Database;
  let close: () => Promise<void>;
  let smtp: SmtpServer;
  let gateway: Awaited<ReturnType<typeof startGateway>>;
  beforeAll(async () => {
    ({ db, close } = await openTestDatabase(kind));
  });
  afterAll(() => close());
  beforeEach(async () => {
    await db.deleteFrom('messages').execute();
    smtp = await startSmtpServer();
    gateway = await startGateway();
  });
  afterEach(async () => {
    await smtp.close();
    await gateway.close();
  });

  /** A process of its own: its own clock may be moved, the database is shared. */
  function services(environment: Record<string, string> = { SMTP_URL: smtp.url, SMS_URL: gateway.url }) {
    const settings = readSettings({
      MAIL_FROM: 'Acme <no-reply@id.example.com>',
      SMS_TOKEN: 'gateway-key',
      ...environment,
    });
    return { db, clock: testClock(), seals: openSeals([key]), settings, log: openLog({ level: 'silent' }) };
  }
  const key = randomBytes(32);
  const code = { template: 'sign_up_code', locale: 'en', values: { code: '314159' } } as const;
  const notice = { template: 'password_changed', locale: 'en' } as const;
  const rows = () => db.selectFrom('messages').selectAll().orderBy('id').execute();

  it('wait in the development outbox when there is no way for them to leave', async () => {
    const here = services({});
    await sendMessage(here, { to: email, ...code });
    here.clock.advance(1 * minutes);
    await sendMessage(here, { to: phone, ...notice });
    expect(await deliverDue(here, openTransports(here.settings))).toBe(0);
    expect(outboxIsOpen(here.settings)).toBe(true);
    expect(outboxIsOpen(services().settings)).toBe(false);
    const [newest, oldest] = await listOutbox(here, { limit: 10 });
    expect(newest).toEqual({
      id: expect.any(String),
      at: new Date(here.clock.now()).toISOString(),
      channel: 'sms',
      to: '+12025550123',
      subject: '',
      text: expect.stringContaining('password was changed'),
      links: ['http://localhost:3000/account'],
      codes: [],
    });
    expect(oldest).toMatchObject({ channel: 'email', to: 'Ada@münchen.de', codes: ['314159'], links: [] });
    expect(await listOutbox(here, { limit: 1 })).toHaveLength(1);
  });

  it('are listed the newest first also when they were written in the same millisecond', async () => {
    const here = services({});
    for (const digits of ['111111', '222222', '333333'])
      await sendMessage(here, { to: email, ...code, values: { code: digits } });
    expect((await listOutbox(here, { limit: 10 })).map(({ codes }) => codes[0])).toEqual([
      '333333',
      '222222',
      '111111',
    ]);
  });

  it('are kept sealed, and what no key opens does not hide the rest', async () => {
    const here = services({});
    await sendMessage(here, { to: email, ...code });
    const [row] = await rows();
    expect(JSON.stringify(row)).not.toMatch(/(?<!\d)314159(?!\d)|ada@|xn--mnchen/i);
    await sendMessage({ ...here, seals: openSeals([randomBytes(32)]) }, { to: email, ...notice });
    expect(await listOutbox(here, { limit: 10 })).toHaveLength(1);
  });

  it('leave by SMTP to the ASCII domain, and nothing of them stays', async () => {
    const here = services();
    await sendMessage(here, { to: email, ...code });
    expect(await deliverDue(here, openTransports(here.settings))).toBe(1);
    const [mail] = smtp.received;
    expect(mail).toMatchObject({ from: 'no-reply@id.example.com', to: ['Ada@xn--mnchen-3ya.de'] });
    const [head = '', body = ''] = mail?.raw.split(/\r\n\r\n(.*)/s) ?? [];
    expect(head).toContain('Subject: Your code to sign up with Latchkey');
    expect(head).toContain('Auto-Submitted: auto-generated');
    expect(head).toMatch(/Message-ID: <[0-9a-f]{32}@localhost>/i);
    expect(head).not.toMatch(/(?<![\da-f])314159(?![\da-f])/i);
    expect(body).toContain('\r\n314159\r\n');
    expect(await rows()).toMatchObject([
      { body: '', sent_at: here.clock.now(), attempts: 1, failed_at: null },
    ]);
    expect(await deliverDue(here, openTransports(here.settings))).toBe(0);
    expect(await listOutbox(here, { limit: 10 })).toEqual([]);
  });

  it('leave by the text message gateway, with its key and a name for each that stays the same', async () => {
    const here = services();
    gateway.status = 503;
    await sendMessage(here, { to: phone, ...code });
    expect(await deliverDue(here, openTransports(here.settings))).toBe(0);
    gateway.status = 202;
    here.clock.advance(2 * seconds);
    expect(await deliverDue(here, openTransports(here.settings))).toBe(1);
    const [first, second] = gateway.received;
    expect(second).toMatchObject({
      authorization: 'Bearer gateway-key',
      body: { to: '+12025550123', text: expect.stringMatching(/314159.*\n\n@localhost #314159$/s) },
    });
    expect(first?.idempotencyKey).toBe(second?.idempotencyKey);
  });

  it.each(['refuse', 'drop'] as const)(
    'are tried again when the mail server says no for now (%s)',
    async (mood) => {
      const here = services();
      const transports = openTransports(here.settings);
      smtp.mood = mood;
      await sendMessage(here, { to: email, ...notice });
      const writtenAt = here.clock.now();
      while (here.clock.now() < writtenAt + 2 * minutes) {
        expect(await deliverDue(here, transports)).toBe(0);
        here.clock.advance(1 * seconds);
      }
      const [waiting] = await rows();
      expect(waiting?.last_error).not.toMatch(/@|try again/);
      expect(waiting?.attempts).toBeGreaterThan(10);
      // Pauses grow: two minutes of outage are not 120 attempts. And soon after it is over, the message is there.
      expect(waiting?.attempts).toBeLessThan(60);
      smtp.mood = 'well';
      here.clock.advance(12 * seconds);
      expect(await deliverDue(here, transports)).toBe(1);
      expect(smtp.received).toHaveLength(1);
    },
  );

  it('are given up at once when there is no such mailbox, and wiped', async () => {
    const here = services();
    smtp.mood = 'refuse_recipient';
    await sendMessage(here, { to: email, ...code });
    await deliverDue(here, openTransports(here.settings));
    expect(await rows()).toMatchObject([
      { body: '', sent_at: null, failed_at: here.clock.now(), last_error: 'EENVELOPE 550' },
    ]);
  });

  it('with a code are given up when the code is too old, notices a day later', async () => {
    const here = services();
    const transports = openTransports(here.settings);
    smtp.mood = 'refuse';
    await sendMessage(here, { to: email, ...code });
    await sendMessage(here, { to: email, ...notice });
    here.clock.advance(10 * minutes);
    await deliverDue(here, transports);
    expect((await rows()).map(({ last_error }) => last_error)).toEqual([
      'too old',
      expect.stringContaining('451'),
    ]);
    here.clock.advance(1 * days);
    await deliverDue(here, transports);
    expect((await rows()).map(({ body, last_error }) => [body, last_error])).toEqual([
      ['', 'too old'],
      ['', 'too old'],
    ]);
  });

  it('are sent once, however many processes look for them at the same moment', async () => {
    const processes = Array.from({ length: 4 }, () => services());
    const [first] = processes;
    if (!first) throw new Error('no process');
    for (let nth = 0; nth < 30; nth += 1) await sendMessage(first, { to: email, ...notice });
    for (const { clock } of processes) clock.advance(1 * seconds);
    await Promise.all(processes.map((each) => deliverDue(each, openTransports(each.settings))));
    expect(smtp.received).toHaveLength(30);
    expect((await rows()).every(({ attempts, sent_at }) => attempts === 1 && sent_at !== null)).toBe(true);
  });

  it('are sent after all when the process that took them died', async () => {
    const here = services();
    await sendMessage(here, { to: email, ...notice });
    const died = { ...openTransports(here.settings), email: () => new Promise<void>(() => {}) };
    void deliverDue(here, died);
    await until(async () => (await rows())[0]?.attempts === 1);
    expect(await deliverDue(here, openTransports(here.settings))).toBe(0);
    here.clock.advance(1 * minutes);
    expect(await deliverDue(here, openTransports(here.settings))).toBe(1);
  });

  it('leave at once when delivery runs, and a silent mail server delays nobody who writes one', async () => {
    const here = services();
    smtp.mood = 'silent';
    const delivery = startDelivery(here);
    expect((await timed(() => sendMessage(here, { to: email, ...notice }))).ms).toBeLessThan(500);
    await until(async () => smtp.connections === 1);
    await smtp.close();
    await delivery.stop();
    smtp = await startSmtpServer();
    const healthy = services();
    const next = startDelivery(healthy);
    await sendMessage(healthy, { to: email, ...notice });
    // Where all this took long, the first one is due again, and may leave beside it.
    await until(async () => smtp.received.length > 0);
    await next.stop();
  });

  it('to nobody are the same work and never leave', async () => {
    const here = services();
    await sendMessage(here, { to: undefined, ...code });
    expect(await rows()).toMatchObject([{ body: '', sent_at: here.clock.now() }]);
    expect(await deliverDue(here, openTransports(here.settings))).toBe(0);
    expect(smtp.connections).toBe(0);
  });

  it('by text are not written where no gateway could ever send them', async () => {
    const here = services({ ISSUER: 'https://id.example.com', SMTP_URL: smtp.url });
    await sendMessage(here, { to: phone, ...notice });
    expect(await rows()).toEqual([]);
  });

  it('are forgotten a week after they left', async () => {
    const here = services();
    await sendMessage(here, { to: undefined, ...code });
    here.clock.advance(6 * days);
    await forgetOldMessages(here);
    expect(await rows()).toHaveLength(1);
    here.clock.advance(1 * days + 1);
    await forgetOldMessages(here);
    expect(await rows()).toEqual([]);
  });
});

type Texted = { authorization: string | undefined; idempotencyKey: unknown; body: unknown };

async function startGateway() {
  const received: Texted[] = [];
  const listener = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const { authorization, 'idempotency-key': idempotencyKey } = request.headers;
    received.push({ authorization, idempotencyKey, body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.writeHead(gateway.status).end('{}');
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const gateway = {
    url: `http://127.0.0.1:${port}/messages`,
    status: 202,
    received,
    async close() {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
  return gateway;
}
