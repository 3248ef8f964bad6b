import { orderedIds } from '../kit/ordered-ids.ts';
import { printable } from '../kit/printable.ts';
import type { Seals } from '../kit/sealing.ts';
import type { Services } from '../services.ts';
import type { AuditEventsTable, Database } from '../store/tables.ts';
import { describeError } from '../web/log.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { AuditEvent } from './catalogue.ts';
import { eventKind } from './catalogue.ts';
import { type Chain, chainMac, startChain } from './chain.ts';

/**
 * The record of what happened: append only, outlives the accounts and apps it speaks of. This file is the one way to
 * write it, catalogue.ts says what there is to write, list.ts reads it, verify.ts finds what was tampered with.
 *
 * An event that cannot be written is an error of the act itself: recordEvent throws, and what it was to record should
 * not have happened or is reported as failed. Only kinds marked mayBeLost go on, and then stand in the log.
 * Not inside a transaction: the record must stay when the transaction is rolled back, and the embedded store has one connection.
 */
export async function recordEvent(
  { db, clock, seals, log }: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  event: AuditEvent,
  from?: RequestSource,
): Promise<void> {
  const row = toRow(event, from, clock.now());
  try {
    await append(db, seals, row);
    log.info(loggable(row), 'audit event');
  } catch (error) {
    log.error(
      { ...loggable(row), detail: row.detail, error: describeError(error) },
      'audit event not recorded',
    );
    if (!eventKind(event.type).mayBeLost) throw error;
  }
}

type Row = Omit<AuditEventsTable, 'id' | 'chain' | 'seq' | 'mac'>;

function toRow(event: AuditEvent, from: RequestSource | undefined, at: number): Row {
  const { actor, detail } = eventKind(event.type);
  return {
    at,
    type: event.type,
    account_id: cut(event.accountId, 64),
    client_id: cut(event.clientId, 200),
    actor: event.actor ?? actor,
    ip: cut(from?.ip, 64),
    user_agent: cut(from?.userAgent, 400),
    session_uid: cut(event.sessionUid, 64),
    request_id: cut(from?.requestId, 64),
    detail: JSON.stringify(detail.parse(event.detail ?? {})),
  };
}

function cut(text: string | undefined, most: number): string | null {
  return text === undefined ? null : printable(text, most);
}

/** One line an event, without what tells of a person more than the account's random id. */
function loggable(row: Row) {
  const { type, actor, account_id, client_id, session_uid, request_id } = row;
  return { event: type, actor, account_id, client_id, session_uid, request_id };
}

/**
 * Appends are serialised in a process, since each mac needs the one before; what comes while one is on its way goes
 * out together in the next INSERT, so that a slow store costs one round trip and not one for each event.
 */
type Waiting = { row: Row; done: () => void; failed: (error: unknown) => void };
type Writer = { chain: Chain; waiting: Waiting[]; writing: boolean; nextId: (now: number) => string };

// One writer a database: a process has one, tests have several.
const writers = new WeakMap<Database, Writer>();
const mostAtOnce = 20;

function append(db: Database, seals: Seals, row: Row): Promise<void> {
  const writer = writers.get(db) ?? {
    chain: startChain(seals),
    waiting: [],
    writing: false,
    nextId: orderedIds(),
  };
  writers.set(db, writer);
  return new Promise((done, failed) => {
    writer.waiting.push({ row, done, failed });
    if (!writer.writing) void drain(db, seals, writer);
  });
}

async function drain(db: Database, seals: Seals, writer: Writer): Promise<void> {
  writer.writing = true;
  while (writer.waiting.length > 0) {
    const batch = writer.waiting.splice(0, mostAtOnce);
    const { rows, end } = linkUp(writer, batch);
    try {
      await db.insertInto('audit_events').values(rows).execute();
      writer.chain = end;
      for (const { done } of batch) done();
    } catch (error) {
      // Whether the rows were written is not known when a store stops answering. A new chain is right either way;
      // going on with the old one would put another row in the place of one that may be there.
      writer.chain = startChain(seals);
      for (const { failed } of batch) failed(error);
    }
  }
  writer.writing = false;
}

function linkUp(writer: Writer, batch: readonly Waiting[]): { rows: AuditEventsTable[]; end: Chain } {
  let end = writer.chain;
  const rows = batch.map(({ row }) => {
    const linked = { ...row, id: writer.nextId(row.at), chain: end.name, seq: end.seq + 1 };
    const mac = chainMac(end.key, end.mac, linked);
    end = { ...end, seq: linked.seq, mac };
    return { ...linked, mac };
  });
  return { rows, end };
}
