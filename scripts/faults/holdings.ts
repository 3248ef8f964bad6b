import pg from 'pg';
import type { Bed } from './bed.ts';
import type { Findings } from './findings.ts';
import { infoOf } from './redis-kinds.ts';

/** What the servers hold on to, before a fault and after it (I8). */
export type Holdings = {
  /** Open files and sockets of each node. */
  files: number[];
  rssMiB: number[];
  /** Connections of the servers at the stores. */
  postgres: number;
  redis: number;
  /** Messages that wait to leave. */
  messages: number;
};

export async function takeStock({ nodes, postgres, redis }: Bed): Promise<Holdings> {
  const held = nodes.map((node) => node.holds() ?? { files: 0, rssMiB: 0 });
  const clients = await Promise.all(
    redis.servers.map(({ url }) => infoOf(url, 'clients', 'connected_clients').catch(() => '0')),
  );
  const records = await askPostgres(postgres.url);
  return {
    files: held.map(({ files }) => files),
    rssMiB: held.map(({ rssMiB }) => rssMiB),
    redis: clients.map(Number).reduce((sum, one) => sum + one, 0),
    ...records,
  };
}

async function askPostgres(url: string): Promise<{ postgres: number; messages: number }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select (select count(*)::int from pg_stat_activity where application_name = 'latchkey') as postgres,
              (select count(*)::int from messages where sent_at is null and failed_at is null) as messages`,
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

// Pools are filled by the next burst, whatever happened before; a leak is more than that.
const spare = { files: 24, connections: 12 };

export function compareStock(findings: Findings, before: Holdings, after: Holdings): void {
  const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
  const grew = (what: string, was: number, is: number, room: number) => {
    if (is > was * 1.05 + room)
      findings.add('I8', `${what} did not come back to what they were`, `${was} before, ${is} after`);
  };
  grew('open files and sockets', sum(before.files), sum(after.files), spare.files);
  grew('connections to PostgreSQL', before.postgres, after.postgres, spare.connections);
  grew('connections to Redis', before.redis, after.redis, spare.connections);
  grew('waiting messages', before.messages, after.messages, 5);
}
