/**
 * Word of changes to the records that a process keeps copies of: apps, accounts, signing keys and APIs. The stores tell it (their own writes
 * at once: written-tables.ts; those of other processes within a moment: postgres-changes.ts, sqlite-changes.ts), and
 * whoever keeps copies listens (kept-records.ts).
 */
export const keptTables = ['clients', 'accounts', 'signing_keys', 'apis'] as const;
export type KeptTable = (typeof keptTables)[number];

/** `id`: of the row that changed; undefined when it may have been any. */
export type RecordChange = { table: KeptTable; id: string | undefined };

export type RecordChanges = {
  /** False while a change that another process makes could go unheard: then nothing may be kept. */
  readonly heard: boolean;
  listen(listener: (change: RecordChange) => void): void;
  tell(change: RecordChange): void;
  /** Says whether other processes are heard. What was kept before a silence is forgotten. */
  hear(heard: boolean): void;
};

export function openRecordChanges(): RecordChanges {
  const listeners: ((change: RecordChange) => void)[] = [];
  let heard = false;
  function tell(change: RecordChange): void {
    for (const listener of listeners) listener(change);
  }
  return {
    get heard() {
      return heard;
    },
    listen: (listener) => void listeners.push(listener),
    tell,
    hear(now) {
      if (now === heard) return;
      heard = now;
      for (const table of keptTables) tell({ table, id: undefined });
    },
  };
}
