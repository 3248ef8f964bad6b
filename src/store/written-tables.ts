import type { KeptTable } from './record-changes.ts';

/** Told after a statement of this process changed a table of which copies are kept, once the change is there to be read. */
export type Wrote = (table: KeptTable) => void;

/** Tables whose rows are part of a copy, and whose copy that is. */
const partOf: Record<string, KeptTable> = {
  clients: 'clients',
  client_secrets: 'clients',
  accounts: 'accounts',
  contacts: 'accounts',
  signing_keys: 'signing_keys',
  apis: 'apis',
};

/**
 * Watches the statements of one connection. Here and not in the rooms that write: nobody can forget it. What a
 * transaction wrote is told when it ended, however it ended.
 */
export function watchWrites(wrote: Wrote): { began(): void; ended(): void; ran(sql: string): void } {
  let inTransaction: Set<KeptTable> | undefined;
  return {
    began() {
      inTransaction = new Set();
    },
    ended() {
      const written = inTransaction ?? [];
      inTransaction = undefined;
      for (const table of written) wrote(table);
    },
    ran(sql) {
      const table = writtenTable(sql);
      if (table === undefined) return;
      if (inTransaction) inTransaction.add(table);
      else wrote(table);
    },
  };
}

/** As the query builder writes it: small letters, the table's name quoted. */
function writtenTable(sql: string): KeptTable | undefined {
  const [, name = ''] = /^(?:insert into|update|delete from) "(\w+)"/.exec(sql) ?? [];
  return partOf[name];
}
