import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../../src/audit/catalogue.ts';
import { listEvents } from '../../src/audit/list.ts';
import { recordEvent } from '../../src/audit/record.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { openSeals, type Seals } from '../../src/kit/sealing.ts';
import type { Database } from '../../src/store/tables.ts';
import type { Log } from '../../src/web/log.ts';
import { databaseKinds, openTestDatabase, testClock } from '../support/stores.ts';

type Line = { level: string; members: Record<string, unknown> };

function memoryLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const line = (level: string) => (members: object) => {
    lines.push({ level, members: { ...members } });
  };
  return {
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    lines,
  };
}

const source = { ip: '192.0.2.7', userAgent: 'Firefox', requestId: 'request-1' };

describe.each(databaseKinds)('the audit record on %s', (kind) => {
  const clock = testClock();
  const oldKey = randomBytes(32);
  let db: Database;
  let close: () => Promise<void>;
  let seals: Seals;
  let lines: Line[];
  let log: Log;
  beforeEach(async () => {
    ({ db, close } = await openTestDatabase(kind));
    seals = openSeals([oldKey]);
    ({ log, lines } = memoryLog());
  });
  afterEach(() => close());

  const record = (event: AuditEvent, from = source) => recordEvent({ db, clock, seals, log }, event, from);
  const signIn = (accountId: string): AuditEvent => ({
    type: 'account.signed_in',
    accountId,
    sessionUid: 'session-1',
    detail: { amr: ['pwd', 'otp'] },
  });
  async function recordThree(): Promise<void> {
    for (const accountId of ['a', 'b', 'c']) await record(signIn(accountId));
  }
  const idsByOrder = async () =>
    (await db.selectFrom('audit_events').select('id').orderBy('seq').execute()).map(({ id }) => id);
  const problems = async () =>
    (await verifyAudit({ db, seals })).problems.map(({ problem, seq }) => [problem, seq]);

  it('keeps who, what, when and from where', async () => {
    await record(signIn('ada'));
    expect(await listEvents({ db }, { accountId: 'ada', limit: 10 })).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        at: clock.now(),
        type: 'account.signed_in',
        accountId: 'ada',
        clientId: null,
        actor: 'person',
        ip: '192.0.2.7',
        userAgent: 'Firefox',
        sessionUid: 'session-1',
        requestId: 'request-1',
        detail: { amr: ['pwd', 'otp'] },
      },
    ]);
  });

  it('says one line in the log, without address or browser', async () => {
    await record(signIn('ada'));
    expect(lines).toEqual([
      {
        level: 'info',
        members: {
          event: 'account.signed_in',
          actor: 'person',
          account_id: 'ada',
          client_id: null,
          session_uid: 'session-1',
          request_id: 'request-1',
        },
      },
    ]);
  });

  it('takes hostile values without harm', async () => {
    const hostile = `x\r\n{"level":"info","event":"fake"}\u001b[2J\u2028\u0000\ud800${'y'.repeat(60_000)}`;
    await record(
      { type: 'account.suspended', accountId: hostile, clientId: hostile, detail: { reason: hostile } },
      { ip: hostile, userAgent: hostile, requestId: hostile },
    );
    const [event] = await listEvents({ db }, { limit: 1 });
    expect(JSON.stringify(event).length).toBeLessThan(2000);
    for (const text of [
      event?.ip,
      event?.userAgent,
      event?.requestId,
      event?.clientId,
      event?.detail['reason'],
    ])
      expect(text).not.toMatch(/[\p{Cc}\u2028]/u);
    expect(JSON.stringify(lines)).not.toMatch(/\\[nr]|\\u001b|\u2028/);
    expect((await verifyAudit({ db, seals })).problems).toEqual([]);
  });

  it('is read page by page, the newest first, by account, app and type', async () => {
    for (let nth = 0; nth < 7; nth += 1)
      await record({ type: 'password.changed', accountId: 'ada', clientId: `${nth}` });
    await record(signIn('ada'));
    await record(signIn('eve'));
    const first = await listEvents({ db }, { accountId: 'ada', types: ['password.changed'], limit: 4 });
    const second = await listEvents(
      { db },
      { accountId: 'ada', types: ['password.changed'], limit: 4, before: first.at(-1)?.id },
    );
    expect([...first, ...second].map(({ clientId }) => clientId)).toEqual([
      '6',
      '5',
      '4',
      '3',
      '2',
      '1',
      '0',
    ]);
    expect(await listEvents({ db }, { clientId: '3', limit: 10 })).toHaveLength(1);
    expect(await listEvents({ db }, { limit: 1000 })).toHaveLength(9);
  });

  it('links events that come at once into one chain without gaps', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, nth) => record(signIn(`account-${nth}`))));
    expect(await verifyAudit({ db, seals })).toEqual({ events: 100, chains: 1, problems: [] });
    const rows = await db.selectFrom('audit_events').select(['seq', 'account_id']).orderBy('id').execute();
    expect(rows).toEqual(
      Array.from({ length: 100 }, (_, nth) => ({ seq: nth + 1, account_id: `account-${nth}` })),
    );
  });

  it('shows a row that was changed, and that one only', async () => {
    await recordThree();
    for (const change of [{ ip: '203.0.113.9' }, { account_id: 'eve' }, { at: 5 }, { detail: '{}' }]) {
      const before = await db
        .selectFrom('audit_events')
        .selectAll()
        .where('seq', '=', 2)
        .executeTakeFirstOrThrow();
      await db.updateTable('audit_events').set(change).where('seq', '=', 2).execute();
      expect(await problems()).toEqual([['changed', 2]]);
      await db.updateTable('audit_events').set(before).where('seq', '=', 2).execute();
      expect(await problems()).toEqual([]);
    }
  });

  it('shows that a row was taken out', async () => {
    await recordThree();
    await db.deleteFrom('audit_events').where('seq', '=', 2).execute();
    expect(await problems()).toEqual([['missing', 3]]);
  });

  it('shows that the oldest rows were taken out', async () => {
    await recordThree();
    await db.deleteFrom('audit_events').where('seq', '=', 1).execute();
    expect(await problems()).toEqual([['missing', 2]]);
  });

  it('shows rows that changed places', async () => {
    await recordThree();
    const [, second, third] = await idsByOrder();
    const swap = async (id: string | undefined, seq: number) =>
      db
        .updateTable('audit_events')
        .set({ seq })
        .where('id', '=', id ?? '')
        .execute();
    await swap(second, 99);
    await swap(third, 2);
    await swap(second, 3);
    expect(await problems()).toEqual([
      ['changed', 2],
      ['changed', 3],
      ['wrong_order', 3],
    ]);
  });

  it('shows a row that somebody added without the key', async () => {
    await recordThree();
    const last = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('seq', '=', 3)
      .executeTakeFirstOrThrow();
    await db
      .insertInto('audit_events')
      .values({ ...last, id: 'f'.repeat(32), seq: 4 })
      .execute();
    await db
      .insertInto('audit_events')
      .values({ ...last, id: 'e'.repeat(32), seq: 1, chain: 'forged' })
      .execute();
    expect((await problems()).sort()).toEqual([
      ['changed', 4],
      ['unknown_key', 1],
    ]);
  });

  it('stays verifiable when SECRETS_KEY gets a new first key, and not without the old one', async () => {
    await recordThree();
    const newKey = randomBytes(32);
    expect(await verifyAudit({ db, seals: openSeals([newKey, oldKey]) })).toMatchObject({ problems: [] });
    const { problems: found } = await verifyAudit({ db, seals: openSeals([newKey]) });
    expect(found.map(({ problem }) => problem)).toEqual(['unknown_key']);
  });

  it('refuses the act that cannot be recorded, and goes on with a new chain once the store answers', async () => {
    await record(signIn('ada'));
    await db.schema.alterTable('audit_events').renameTo('audit_away').execute();
    await expect(record(signIn('bea'))).rejects.toThrow();
    // What changes nobody's security goes on, and stands in the log instead.
    await record({ type: 'tokens.issued', clientId: 'app', detail: { grant_type: 'refresh_token' } });
    expect(lines.slice(1)).toEqual([
      { level: 'error', members: expect.objectContaining({ event: 'account.signed_in', account_id: 'bea' }) },
      {
        level: 'error',
        members: expect.objectContaining({ client_id: 'app', detail: '{"grant_type":"refresh_token"}' }),
      },
    ]);
    await db.schema.alterTable('audit_away').renameTo('audit_events').execute();
    await record(signIn('cleo'));
    expect(await verifyAudit({ db, seals })).toEqual({ events: 2, chains: 2, problems: [] });
  });
});
