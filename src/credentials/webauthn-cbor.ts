/**
 * Just enough of CBOR (RFC 8949) to read what an authenticator sends: the subset that CTAP2 allows (FIDO CTAP 2.1 section
 * 8), so no indefinite lengths, no tags and no floating point. Everything else is refused, and nothing is believed
 * about lengths: a reader of untrusted bytes is safest when it knows little. Throws NotCbor on all of it.
 */
export type CborMap = ReadonlyMap<number | string, CborValue>;
export type CborValue = number | string | Uint8Array | boolean | null | readonly CborValue[] | CborMap;

export class NotCbor extends Error {
  constructor(why: string) {
    super(`not the CBOR of an authenticator: ${why}`);
    this.name = 'NotCbor';
  }
}

// CTAP2 allows four levels; what authenticators put in extensions is let go a little deeper.
const mostDepth = 8;

/** The one value that the bytes are; bytes after it are refused. */
export function readCbor(bytes: Uint8Array): CborValue {
  const { value, length } = readCborPrefix(bytes);
  if (length !== bytes.length) throw new NotCbor('bytes after the end');
  return value;
}

/** The value that the bytes begin with, and how many bytes it takes. */
export function readCborPrefix(bytes: Uint8Array): { value: CborValue; length: number } {
  const source = { bytes, at: 0 };
  const value = readValue(source, 0);
  return { value, length: source.at };
}

type Source = { bytes: Uint8Array; at: number };

function readValue(source: Source, depth: number): CborValue {
  if (depth > mostDepth) throw new NotCbor('nested too deeply');
  const head = take(source, 1)[0] ?? 0;
  const [major, info] = [head >> 5, head & 31];
  if (major === 7) return readSimple(info);
  const argument = readArgument(source, info);
  switch (major) {
    case 0:
      return argument;
    case 1:
      return -1 - argument;
    case 2:
      return take(source, argument).slice();
    case 3:
      return readText(take(source, argument));
    case 4:
      return readArray(source, argument, depth);
    case 5:
      return readMap(source, argument, depth);
    default:
      throw new NotCbor('a tag');
  }
}

function readArgument(source: Source, info: number): number {
  if (info < 24) return info;
  if (info > 27) throw new NotCbor('an indefinite length');
  const bytes = take(source, 2 ** (info - 24));
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(value)) throw new NotCbor('a number too large');
  return value;
}

function readSimple(info: number): boolean | null {
  if (info === 20 || info === 21) return info === 21;
  if (info === 22) return null;
  throw new NotCbor('a floating point number or an unknown simple value');
}

function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotCbor('text that is not UTF-8');
  }
}

function readArray(source: Source, length: number, depth: number): CborValue[] {
  // Each member takes a byte at least, so a length that lies is found before memory is set aside for it.
  if (length > source.bytes.length - source.at) throw new NotCbor('an array longer than its bytes');
  return Array.from({ length }, () => readValue(source, depth + 1));
}

function readMap(source: Source, length: number, depth: number): CborMap {
  if (length * 2 > source.bytes.length - source.at) throw new NotCbor('a map longer than its bytes');
  const map = new Map<number | string, CborValue>();
  for (let member = 0; member < length; member += 1) {
    const key = readValue(source, depth + 1);
    if (typeof key !== 'number' && typeof key !== 'string')
      throw new NotCbor('a key that is no number or text');
    // Of two members of one name, two readers may believe different ones.
    if (map.has(key)) throw new NotCbor('a key twice');
    map.set(key, readValue(source, depth + 1));
  }
  return map;
}

function take(source: Source, length: number): Uint8Array {
  const end = source.at + length;
  if (end > source.bytes.length) throw new NotCbor('it ends early');
  const taken = source.bytes.subarray(source.at, end);
  source.at = end;
  return taken;
}
