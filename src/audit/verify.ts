import type { KeyObject } from 'node:crypto';
import type { Seals } from '../kit/sealing.ts';
import { sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { AuditEventsTable, Database } from '../store/tables.ts';
import { chainKey, chainMac } from './chain.ts';

export type AuditProblem = {
  /**
   * `missing`: rows before this one are gone. `changed`: the row is not as it was written, or was put there by somebody
   * else. `wrong_order`: its id does not follow the one before. `unknown_key`: no key of SECRETS_KEY opens its chain.
   */
  problem: 'missing' | 'changed' | 'wrong_order' | 'unknown_key';
  chain: string;
  seq: number;
  id: string;
};

type Link = { chain: string; key: KeyObject | undefined; seq: number; mac: string; id: string };

/** Reads the whole record, chain by chain, and answers what is wrong with it; nothing is written. */
export async function verifyAudit({
  db,
  seals,
}: Pick<Services, 'db' | 'seals'>): Promise<{ events: number; chains: number; problems: AuditProblem[] }> {
  const problems: AuditProblem[] = [];
  let events = 0;
  let chains = 0;
  let last: Link | undefined;
  for (let rows = await nextRows(db, last); rows.length > 0; rows = await nextRows(db, last)) {
    for (const row of rows) {
      if (row.chain !== last?.chain) chains += 1;
      const before = row.chain === last?.chain ? last : newLink(seals, row.chain);
      for (const problem of check(before, row))
        problems.push({ problem, chain: row.chain, seq: row.seq, id: row.id });
      last = { ...before, seq: row.seq, mac: row.mac, id: row.id };
    }
    events += rows.length;
  }
  return { events, chains, problems };
}

/** Each fault is reported once: the row after it is checked against what stands there, not against what should. */
function* check(before: Link, row: AuditEventsTable): Generator<AuditProblem['problem']> {
  if (before.key === undefined) {
    if (before.seq === 0) yield 'unknown_key';
    return;
  }
  const gap = row.seq !== before.seq + 1;
  if (gap) yield 'missing';
  // After a gap the mac before is gone with the missing rows, so this one row cannot be checked.
  else if (!sameSecret(row.mac, chainMac(before.key, before.mac, row))) yield 'changed';
  if (row.id <= before.id) yield 'wrong_order';
}

function newLink(seals: Seals, chain: string): Link {
  return { chain, key: openKey(seals, chain), seq: 0, mac: '', id: '' };
}

function openKey(seals: Seals, chain: string): KeyObject | undefined {
  try {
    return chainKey(seals, chain);
  } catch {
    return undefined;
  }
}

function nextRows(db: Database, after: Link | undefined): Promise<AuditEventsTable[]> {
  let query = db.selectFrom('audit_events').selectAll();
  if (after)
    query = query.where((eb) =>
      eb.or([
        eb('chain', '>', after.chain),
        eb.and([eb('chain', '=', after.chain), eb('seq', '>', after.seq)]),
      ]),
    );
  return query.orderBy('chain').orderBy('seq').limit(500).execute();
}
