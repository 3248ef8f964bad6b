import { hostName, type RedisHost } from './live-redis-address.ts';

/** Which slot a key is in and who holds it, as a node of a Redis Cluster sees it. */
export type ClusterView = {
  /** The newest change that the node knows of. */
  epoch: number;
  /** Whether it believes that the Cluster works. */
  ok: boolean;
  primaries: RedisHost[];
  replicas: RedisHost[];
  /** Whether any node is meant to be a replica, alive or not. */
  replicated: boolean;
  /** By slot: the name of its primary, or nothing. */
  owners: (string | undefined)[];
};

const slotCount = 16_384;

/** CRC16/XMODEM of the text between the first braces, or of the whole key where that is none (the Cluster's specification). */
export function slotOf(key: string): number {
  const start = key.indexOf('{') + 1;
  const end = start > 0 ? key.indexOf('}', start) : -1;
  let crc = 0;
  for (const byte of Buffer.from(end > start ? key.slice(start, end) : key))
    crc = ((crc << 8) ^ (crcs[(crc >> 8) ^ byte] ?? 0)) & 0xffff;
  return crc % slotCount;
}

const crcs = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

type Range = [first: number, last: number, ...nodes: [host: string | null, port: number][]];

/** Reads CLUSTER INFO, SLOTS and NODES. A node may leave out its own host, since whoever `asked` it knows that. */
export function readClusterView({
  info,
  slots,
  nodes,
  asked,
}: {
  info: string;
  slots: unknown;
  nodes: string;
  asked: RedisHost;
}): ClusterView {
  const view: ClusterView = {
    epoch: Number(/^cluster_current_epoch:(\d+)/m.exec(info)?.[1] ?? 0),
    ok: /^cluster_state:ok/m.test(info),
    primaries: [],
    replicas: [],
    // SLOTS leaves out replicas that are down or have not copied anything yet.
    replicated: /^\S+ \S+ \S*slave/m.test(nodes),
    owners: new Array(slotCount).fill(undefined),
  };
  const known = new Set<string>();
  for (const [first, last, ...holders] of slots as Range[])
    for (const [place, [host, port]] of holders.entries()) {
      // A question mark stands for a host that the neighbours have not learned yet.
      if (host === '?') continue;
      const node = { host: host || asked.host, port };
      const name = hostName(node);
      if (place === 0) view.owners.fill(name, first, last + 1);
      if (known.has(name)) continue;
      known.add(name);
      view[place === 0 ? 'primaries' : 'replicas'].push(node);
    }
  return view;
}

/** Of what several nodes see: the newest that works. A node that is cut off from the others goes on seeing the past. */
export function newestView(seen: PromiseSettledResult<ClusterView>[]): ClusterView | undefined {
  return seen
    .flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    .sort((a, b) => Number(b.ok) - Number(a.ok) || b.epoch - a.epoch)[0];
}

export type Redirection = { to: RedisHost; slot: number; moved: boolean };

/** Reads `MOVED <slot> <host>:<port>` and `ASK ...`; the host may be left out, as above. */
export function readRedirection(error: unknown, asked: RedisHost): Redirection | undefined {
  const said = error instanceof Error ? /^(MOVED|ASK) (\d+) (.*):(\d+)$/.exec(error.message) : undefined;
  if (!said) return undefined;
  const [, kind, slot, host, port] = said;
  return {
    to: { host: host || asked.host, port: Number(port) },
    slot: Number(slot),
    moved: kind === 'MOVED',
  };
}
