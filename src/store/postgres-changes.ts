import { randomBytes } from 'node:crypto';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import type { KeptTable, RecordChanges } from './record-changes.ts';
import { keptTables } from './record-changes.ts';

/**
 * Hears of changed rows from PostgreSQL itself (LISTEN; migrations/0012 has the triggers that NOTIFY), so with the
 * commit and whoever made it, an operator's psql included. A connection of its own, which also sends itself a word every
 * quarter of a second: while that does not come back (a lost route, a pooler that swallows notices) nothing is kept.
 */
const channel = 'latchkey_records';
const beatEveryMs = 250;
const deafAfterMs = 750;

export function hearPostgres(url: string, changes: RecordChanges): { stop(): Promise<void> } {
  let stopped = false;
  let current: pg.Client | undefined;
  async function run(): Promise<void> {
    while (!stopped) {
      const client = new pg.Client({
        connectionString: url,
        application_name: 'latchkey changes',
        connectionTimeoutMillis: 2000,
        query_timeout: 2000,
        keepAlive: true,
      });
      current = client;
      await listenOn(client, changes, () => stopped).catch(() => undefined);
      changes.hear(false);
      await client.end().catch(() => undefined);
      if (!stopped) await sleep(200, undefined, { ref: false });
    }
  }
  const running = run();
  return {
    async stop() {
      stopped = true;
      await current?.end().catch(() => undefined);
      await running;
    },
  };
}

/** Resolves or rejects when the connection is of no use any more. */
async function listenOn(client: pg.Client, changes: RecordChanges, stopped: () => boolean): Promise<void> {
  const own = `latchkey_${randomBytes(9).toString('hex')}`;
  let broken = false;
  let heardAt = performance.now();
  client.on('error', () => {
    broken = true;
  });
  client.on('end', () => {
    broken = true;
  });
  client.on('notification', ({ channel: from, payload = '' }) => {
    if (from === channel) return changes.tell(changeOf(payload));
    heardAt = performance.now();
    changes.hear(true);
  });
  await client.connect();
  await client.query(`listen ${channel}; listen ${own}`);
  while (!broken && !stopped()) {
    await client.query(`notify ${own}`);
    await sleep(beatEveryMs, undefined, { ref: false });
    // After the process was held up, what has arrived meanwhile is read first.
    await turn();
    if (performance.now() - heardAt > deafAfterMs) changes.hear(false);
  }
}

/** `<table>:<id of the row>`, as the triggers send it. What is not understood may have been anything. */
function changeOf(payload: string): { table: KeptTable; id: string | undefined } {
  const colon = payload.indexOf(':');
  const table = keptTables.find((one) => one === payload.slice(0, colon)) ?? 'clients';
  return { table, id: payload.slice(colon + 1) || undefined };
}
