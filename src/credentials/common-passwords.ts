import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repeatedUnit } from './password-text.ts';

/**
 * The passwords that attackers try first, as a Bloom filter: some half a million passwords in 1.4 MB, none of them
 * readable, no network. It never misses one of them, and takes a stranger for one of them once in 30,000 times.
 * Made by scripts/build-password-list.ts; sources and costs in docs/decisions/0010-block-list.md.
 *
 * The file: 4 bytes of probes a key, 4 bytes of bits, both little-endian, then the bits.
 */
const file = path.join(import.meta.dirname, 'data', 'common-passwords.bloom');
const headerBytes = 8;

type Filter = { probes: number; bits: number; bytes: Buffer };

// Read on first use, not at start: a server that only exchanges tokens never needs it.
let filter: Filter | undefined;

/** Whether the whole password, in any case, is a common one, or is such a one or a very short piece repeated. */
export function isCommonPassword(password: string): boolean {
  filter ??= openFilter(readFileSync(file));
  if (contains(filter, password)) return true;
  const unit = repeatedUnit(password);
  return unit !== undefined && ([...unit].length <= 4 || contains(filter, unit));
}

function openFilter(content: Buffer): Filter {
  const bytes = content.subarray(headerBytes);
  const [probes, bits] = [content.readUInt32LE(0), content.readUInt32LE(4)];
  if (bytes.length !== Math.ceil(bits / 8)) throw new Error(`${file} is damaged`);
  return { probes, bits, bytes };
}

function contains({ probes, bits, bytes }: Filter, password: string): boolean {
  return bitPlaces(password, probes, bits).every(
    (place) => ((bytes[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0,
  );
}

/** The bits a password sets: double hashing over SHA-256 of its lower case. */
export function bitPlaces(password: string, probes: number, bits: number): number[] {
  const hash = createHash('sha256').update(password.toLowerCase()).digest();
  const [start, stride] = [hash.readUIntLE(0, 6), hash.readUInt32LE(6)];
  // The cubic term keeps keys apart whose stride happens to share a factor with the number of bits.
  return Array.from({ length: probes }, (_, i) => (start + i * stride + (i * (i * i - 1)) / 6) % bits);
}
