import type { KeptTable, RecordChanges } from './record-changes.ts';

/**
 * Copies of records in this process, for what every request asks for again: a copy is forgotten as soon as the record
 * changed, within a moment also when another process changed it (record-changes.ts). What decides whether somebody may
 * come in is not read from here alone: ending access ends sessions and grants, which are live state.
 *
 * At most `most` copies; the one that was loaded first goes first.
 */
export function keepRecords<Kept>({
  changes,
  table,
  most,
  load,
}: {
  changes: RecordChanges;
  table: KeptTable;
  most: number;
  load(id: string): Promise<Kept | undefined>;
}): (id: string) => Promise<Kept | undefined> {
  const kept = new Map<string, Kept>();
  let changed = 0;
  changes.listen((change) => {
    if (change.table !== table) return;
    changed += 1;
    if (change.id === undefined) kept.clear();
    else kept.delete(change.id);
  });

  function keep(id: string, record: Kept): void {
    const [first] = kept.keys();
    if (kept.size >= most && first !== undefined) kept.delete(first);
    kept.set(id, record);
  }

  return async (id) => {
    const known = kept.get(id);
    if (known !== undefined && changes.heard) return known;
    const before = changed;
    const record = await load(id);
    // Something changed while it was read: which came first is not known.
    if (record !== undefined && changes.heard && before === changed) keep(id, record);
    return record;
  };
}
