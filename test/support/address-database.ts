import { mkdtempSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Writes an address database as operators bring one along (MaxMind DB File Format 2.0, https://maxmind.github.io/MaxMind-DB):
 * a tree over the bits of an address, the records that its leaves point to, and the metadata. IPv4 lies at ::/96.
 */
export type KnownNetwork = {
  /** `198.51.100.0/24` or `2001:db8::/32`. */
  network: string;
  country: string;
  city?: string;
  at?: readonly [latitude: number, longitude: number];
};

export function addressDatabaseFile(networks: readonly KnownNetwork[]): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'latchkey-places-')), 'places.mmdb');
  writeFileSync(file, addressDatabase(networks));
  return file;
}

type Node = [left: Child, right: Child];
type Child = Node | { offset: number } | undefined;

function addressDatabase(networks: readonly KnownNetwork[]): Buffer {
  const root: Node = [undefined, undefined];
  const records: Buffer[] = [];
  let offset = 0;
  for (const known of networks) {
    const record = encoded(recordOf(known));
    put(root, bitsOf(known.network), { offset });
    records.push(record);
    offset += record.length;
  }
  const nodes = listed(root);
  const metadata = {
    node_count: uint(nodes.length, 4),
    record_size: uint(24, 2),
    ip_version: uint(6, 2),
    database_type: 'Test-City',
    languages: ['en'],
    binary_format_major_version: uint(2, 2),
    binary_format_minor_version: uint(0, 2),
    build_epoch: uint(1_700_000_000, 4),
    description: { en: 'Places for tests' },
  };
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
  return Buffer.concat([treeOf(nodes), Buffer.alloc(16), ...records, marker, encoded(metadata)]);
}

function recordOf({ country, city, at }: KnownNetwork): object {
  return {
    country: { iso_code: country, names: { en: country } },
    ...(city && { city: { names: { en: city } } }),
    ...(at && { location: { latitude: double(at[0]), longitude: double(at[1]) } }),
  };
}

function put(root: Node, bits: readonly number[], leaf: { offset: number }): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const next = node[bit as 0 | 1];
    const child: Node = Array.isArray(next) ? next : [undefined, undefined];
    node[bit as 0 | 1] = child;
    node = child;
  }
  node[bits.at(-1) as 0 | 1] = leaf;
}

function listed(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) for (const child of node) if (Array.isArray(child)) nodes.push(child);
  return nodes;
}

function treeOf(nodes: readonly Node[]): Buffer {
  const numbers = new Map(nodes.map((node, number) => [node, number]));
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.forEach((node, number) => {
    node.forEach((child, side) => {
      const value = Array.isArray(child)
        ? (numbers.get(child) ?? 0)
        : nodes.length + (child ? 16 + child.offset : 0);
      tree.writeUIntBE(value, number * 6 + side * 3, 3);
    });
  });
  return tree;
}

function bitsOf(network: string): number[] {
  const [address = '', length = ''] = network.split('/');
  const six = isIP(address) === 6;
  const bytes = six ? sixBytes(address) : [...Array(12).fill(0), ...address.split('.').map(Number)];
  const bits = bytes.flatMap((byte) => [...byte.toString(2).padStart(8, '0')].map(Number));
  return bits.slice(0, Number(length) + (six ? 0 : 96));
}

/** Only such as `2001:db8::`: groups, then nothing. */
function sixBytes(address: string): number[] {
  const groups = address
    .replace(/::$/, '')
    .split(':')
    .map((group) => Number.parseInt(group, 16));
  const all = [...groups, ...Array(8 - groups.length).fill(0)];
  return all.flatMap((group) => [group >> 8, group & 255]);
}

type Raw = { raw: Buffer };

function uint(value: number, bytes: 2 | 4): Raw {
  const body = Buffer.alloc(bytes);
  body.writeUIntBE(value, 0, bytes);
  return { raw: Buffer.concat([Buffer.from([((bytes === 2 ? 5 : 6) << 5) | bytes]), body]) };
}

function double(value: number): Raw {
  const body = Buffer.alloc(8);
  body.writeDoubleBE(value);
  return { raw: Buffer.concat([Buffer.from([(3 << 5) | 8]), body]) };
}

function encoded(value: string | readonly string[] | object): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.from([(2 << 5) | text.length]), text]);
  }
  // An array is of the types that stand in a second byte.
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([value.length, 4]), ...value.map(encoded)]);
  if ('raw' in value) return (value as Raw).raw;
  const members = Object.entries(value).flatMap(([name, member]) => [encoded(name), encoded(member)]);
  return Buffer.concat([Buffer.from([(7 << 5) | Object.keys(value).length]), ...members]);
}
