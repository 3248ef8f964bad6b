import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { dictionary } from '@zxcvbn-ts/language-common';
import { bitPlaces } from '../src/credentials/common-passwords.ts';
import { characterCount, passwordText } from '../src/credentials/password-text.ts';

/**
 * Makes src/credentials/data/common-passwords.bloom from zxcvbn's list and from text files with one password a line, the
 * most common first:
 *
 *   node scripts/build-password-list.ts [file ...]
 *
 * Run by hand when the list is renewed; docs/decisions/0010-block-list.md names what it was last made from.
 */
const bitsPerPassword = 22;
const probes = 15;
/** Shorter ones cannot be chosen, but the most common of them are recognised when somebody repeats them. */
const leastLength = 8;
const shortOnes = 50_000;

const files = process.argv.slice(2).map((file) => readFileSync(file, 'utf8').split(/\r?\n/));
const lines = [...files, dictionary['passwords-common'] ?? []].flat();
const kept = lines.filter((line, rank) => {
  const length = characterCount(line);
  return passwordText(line) !== undefined && (length >= leastLength || (length > 4 && rank < shortOnes));
});
const passwords = new Set(kept.map((line) => line.normalize('NFC').toLowerCase()));

const bits = passwords.size * bitsPerPassword;
const bytes = Buffer.alloc(8 + Math.ceil(bits / 8));
bytes.writeUInt32LE(probes, 0);
bytes.writeUInt32LE(bits, 4);
for (const password of passwords)
  for (const place of bitPlaces(password, probes, bits)) {
    const at = 8 + (place >>> 3);
    bytes.writeUInt8(bytes.readUInt8(at) | (1 << (place & 7)), at);
  }

const target = path.join(import.meta.dirname, '../src/credentials/data/common-passwords.bloom');
writeFileSync(target, bytes);
console.log(`${passwords.size} passwords, ${bytes.length} bytes`);
