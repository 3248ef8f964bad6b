import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
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
const lookEveryMs = 100;
/** Then another connection may do better; not soon, for a pooler that swallows notices will swallow them again. */
const givenUpAfterMs = 10_000;

export function hearPostgres(url: string, changes: RecordChanges): { stop(): Promise<void> } {
  let stopped = false;
  let current: pg.Client | undefined;
  async function run(): Promise<void> {
    while (!stopped) {
      const client = new pg.Client({
        connectionString: url,
        application_name: 'latchkey changes',
        connectionTimeoutMillis: 2000,
        query_timeout: 1000,
        keepAlive: true,
      });
      current = client;
      await listenOn(client, changes, () => stopped).catch(() => undefined);
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

/** Resolves or rejects when the connection is of no use any more; then nothing is heard. */
async function listenOn(client: pg.Client, changes: RecordChanges, stopped: () => boolean): Promise<void> {
  const own = `latchkey_${randomBytes(9).toString('hex')}`;
  const hearing = watchHearing(changes);
  client.on('error', hearing.end);
  client.on('end', hearing.end);
  client.on('notification', ({ channel: from, payload = '' }) => {
    if (from === channel) changes.tell(changeOf(payload));
    else hearing.heard();
  });
  try {
    // One that is ended while it connects never says that it did not.
    await Promise.race([client.connect(), once(client, 'end')]);
    await client.query(`listen ${channel}; listen ${own}`);
    while (!hearing.over() && !stopped()) {
      await client.query(`notify ${own}`);
      await sleep(beatEveryMs, undefined, { ref: false });
    }
  } finally {
    hearing.end();
  }
}

type Hearing = { heard(): void; over(): boolean; end(): void };

/** Looks by a timer of its own: over a lost route the sending of a word waits for a long while. */
function watchHearing(changes: RecordChanges): Hearing {
  let over = false;
  let heardAt = performance.now();
  const timer = setInterval(async () => {
    // After the process was held up, what has arrived meanwhile is read first.
    await turn();
    const silentMs = performance.now() - heardAt;
    if (silentMs > givenUpAfterMs) end();
    else if (silentMs > deafAfterMs && !over) changes.hear(false);
  }, lookEveryMs).unref();
  function end(): void {
    clearInterval(timer);
    if (!over) changes.hear(false);
    over = true;
  }
  return {
    heard() {
      heardAt = performance.now();
      if (!over) changes.hear(true);
    },
    over: () => over,
    end,
  };
}

/** `<table>:<id of the row>`, as the triggers send it. What is not understood may have been anything. */
function changeOf(payload: string): { table: KeptTable; id: string | undefined } {
  const colon = payload.indexOf(':');
  const table = keptTables.find((one) => one === payload.slice(0, colon)) ?? 'clients';
  return { table, id: payload.slice(colon + 1) || undefined };
}
