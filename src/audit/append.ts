import { orderedIds } from '../kit/ordered-ids.ts';
import type { Seals } from '../kit/sealing.ts';
import type { Services } from '../services.ts';
import { statement } from '../store/statement.ts';
import type { AuditEventsTable, Database } from '../store/tables.ts';
import { type Chain, chainMac, startChain } from './chain.ts';

/**
 * Appends are serialised in a process, since each mac needs the one before; what comes while one is on its way goes
 * out together in the next INSERT, so that a slow store costs one round trip and not one for each event.
 */
export type Row = Omit<AuditEventsTable, 'id' | 'chain' | 'seq' | 'mac'>;
type Waiting = { row: Row; done: () => void; failed: (error: unknown) => void };
type Writer = {
  seals: Seals;
  chain: Chain;
  waiting: Waiting[];
  /** Pending while a drain runs. */
  drained: Promise<void> | undefined;
  soon: NodeJS.Timeout | undefined;
  nextId: (now: number) => string;
};

// One writer a database: a process has one, tests have several.
const writers = new WeakMap<Database, Writer>();
const mostAtOnce = 100;
const soonMs = 100;

export function append(
  db: Database,
  seals: Seals,
  row: Row,
  { soon }: { soon: boolean } = { soon: false },
): Promise<void> {
  const writer = writers.get(db) ?? openWriter(seals);
  writers.set(db, writer);
  return new Promise((done, failed) => {
    writer.waiting.push({ row, done, failed });
    if (writer.drained !== undefined) return;
    if (soon && writer.waiting.length < mostAtOnce)
      writer.soon ??= setTimeout(() => void startDrain(db, writer), soonMs).unref();
    else void startDrain(db, writer);
  });
}

function openWriter(seals: Seals): Writer {
  const chain = startChain(seals);
  return { seals, chain, waiting: [], drained: undefined, soon: undefined, nextId: orderedIds() };
}

/** Takes everything that waits, in the order it came. */
function startDrain(db: Database, writer: Writer): Promise<void> {
  clearTimeout(writer.soon);
  writer.soon = undefined;
  writer.drained ??= drain(db, writer);
  return writer.drained;
}

async function drain(db: Database, writer: Writer): Promise<void> {
  // First the promise of this work is put in its place, then the work.
  await Promise.resolve();
  while (writer.waiting.length > 0) {
    const batch = writer.waiting.splice(0, mostAtOnce);
    const { rows, end } = linkUp(writer, batch);
    try {
      const [only] = rows.length === 1 ? rows : [];
      await (only ? addOne(db, only) : db.insertInto('audit_events').values(rows).execute());
      writer.chain = end;
      for (const { done } of batch) done();
    } catch (error) {
      // Whether the rows were written is not known when a store stops answering. A new chain is right either way;
      // going on with the old one would put another row in the place of one that may be there.
      writer.chain = startChain(writer.seals);
      for (const { failed } of batch) failed(error);
    }
  }
  writer.drained = undefined;
}

const addOne = statement((db, row: AuditEventsTable) =>
  db.insertInto('audit_events').values({
    id: row.id,
    at: row.at,
    type: row.type,
    account_id: row.account_id,
    client_id: row.client_id,
    actor: row.actor,
    ip: row.ip,
    user_agent: row.user_agent,
    session_uid: row.session_uid,
    request_id: row.request_id,
    detail: row.detail,
    chain: row.chain,
    seq: row.seq,
    mac: row.mac,
  }),
);

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

/** Resolves when nothing waits to be written any more: for the end of a process. */
export async function flushAudit({ db }: Pick<Services, 'db'>): Promise<void> {
  const writer = writers.get(db);
  if (!writer) return;
  while (writer.waiting.length > 0 || writer.drained !== undefined) await startDrain(db, writer);
}
