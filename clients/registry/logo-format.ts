import { crc32 } from 'node:zlib';

/**
 * The outline of a picture, read from its bytes without decoding it: how large it claims to be, whether it moves, and
 * where it ends. A format is walked from its first byte to its last, so that a file which is a picture in front and
 * something else behind is found out.
 */
export type Outline = { width: number; height: number; moves: boolean; end: number };

type Format = {
  name: string;
  mediaType: string;
  begins(bytes: Buffer): boolean;
  /** Undefined, or an error from reading past the end, for what is cut off or damaged. */
  outline(bytes: Buffer): Outline | undefined;
};

const pngSignature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

const formats: readonly Format[] = [
  {
    name: 'PNG',
    mediaType: 'image/png',
    begins: (bytes) => bytes.subarray(0, 8).equals(pngSignature),
    outline: outlineOfPng,
  },
  {
    name: 'JPEG',
    mediaType: 'image/jpeg',
    begins: (bytes) => bytes.toString('latin1', 0, 3) === '\xff\xd8\xff',
    outline: outlineOfJpeg,
  },
  {
    name: 'WebP',
    mediaType: 'image/webp',
    begins: (bytes) => tagAt(bytes, 0) === 'RIFF' && tagAt(bytes, 8) === 'WEBP',
    outline: outlineOfWebp,
  },
  {
    name: 'GIF',
    mediaType: 'image/gif',
    begins: (bytes) => /^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6)),
    outline: outlineOfGif,
  },
];

/** By its first bytes, whatever its name or its Content-Type says. */
export function formatOf(bytes: Buffer): Format | undefined {
  return formats.find((format) => format.begins(bytes));
}

const pastTheEnd = new Set(['ERR_OUT_OF_RANGE', 'ERR_BUFFER_OUT_OF_BOUNDS']);

/** Undefined for a picture that is cut off or damaged. */
export function outlineOf(bytes: Buffer, { outline }: Format): Outline | undefined {
  try {
    return outline(bytes);
  } catch (error) {
    if (pastTheEnd.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function tagAt(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + 4);
}

/** Chunks of length, type, data and checksum, from IHDR to IEND (W3C PNG section 5.3). */
function outlineOfPng(bytes: Buffer): Outline | undefined {
  const seen = new Set<string>();
  let at = pngSignature.length;
  while (!seen.has('IEND')) {
    const sum = at + 8 + bytes.readUInt32BE(at);
    if (crc32(bytes.subarray(at + 4, sum)) !== bytes.readUInt32BE(sum)) return undefined;
    seen.add(tagAt(bytes, at + 4));
    at = sum + 4;
  }
  if (tagAt(bytes, 12) !== 'IHDR' || !seen.has('IDAT')) return undefined;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  return { width, height, moves: seen.has('acTL'), end: at };
}

/** Segments of marker and length; after a start of scan, coded bytes up to the next marker (ITU-T T.81 annex B). */
function outlineOfJpeg(bytes: Buffer): Outline | undefined {
  let size: { width: number; height: number } | undefined;
  let scans = 0;
  let at = 2;
  for (;;) {
    if (bytes.readUInt8(at) !== 0xff) return undefined;
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xd9) return size && scans > 0 ? { ...size, moves: false, end: at + 2 } : undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && size) return undefined;
    if (isFrame) size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    // A marker may be padded in front with more 0xff.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
    if (marker !== 0xda) continue;
    scans += 1;
    while (bytes.readUInt8(at) !== 0xff || isCoded(bytes.readUInt8(at + 1))) at += 1;
  }
}

/** 0xff within coded bytes is followed by 0; restart markers stand among them, too. */
function isCoded(after: number): boolean {
  return after === 0 || (after >= 0xd0 && after <= 0xd7);
}

/** Chunks of tag and length, padded to even, within one of RIFF (RFC 9649 section 2). */
function outlineOfWebp(bytes: Buffer): Outline | undefined {
  const end = 8 + bytes.readUInt32LE(4);
  const found: Outline = { width: 0, height: 0, moves: false, end };
  const seen = new Set<string>();
  let at = 12;
  while (at < end) {
    const tag = tagAt(bytes, at);
    const [width, height] = webpSizes[tag]?.(bytes, at + 8) ?? [0, 0];
    // Of a canvas and the picture on it the larger counts.
    found.width = Math.max(found.width, width);
    found.height = Math.max(found.height, height);
    seen.add(tag);
    const length = bytes.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
  }
  if (at !== end || end > bytes.length || !(seen.has('VP8 ') || seen.has('VP8L') || seen.has('ANMF')))
    return undefined;
  return { ...found, moves: seen.has('ANIM') || seen.has('ANMF') };
}

const webpSizes: Record<string, (bytes: Buffer, at: number) => [number, number]> = {
  VP8X: (bytes, at) => [1 + bytes.readUIntLE(at + 4, 3), 1 + bytes.readUIntLE(at + 7, 3)],
  VP8L(bytes, at) {
    const bits = bytes.readUInt32LE(at + 1);
    return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
  },
  'VP8 ': (bytes, at) => [bytes.readUInt16LE(at + 6) & 0x3fff, bytes.readUInt16LE(at + 8) & 0x3fff],
};

/** Blocks, each followed by sub-blocks that end with an empty one, up to the trailer (GIF89a section 15 and on). */
function outlineOfGif(bytes: Buffer): Outline | undefined {
  const found = { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  let frames = 0;
  let at = 13 + colourTable(bytes.readUInt8(10));
  for (;;) {
    const block = bytes.readUInt8(at);
    if (block === 0x3b) return frames > 0 ? { ...found, moves: frames > 1, end: at + 1 } : undefined;
    if (block !== 0x2c && block !== 0x21) return undefined;
    if (block === 0x2c) {
      frames += 1;
      // A frame may reach beyond the screen that was announced.
      found.width = Math.max(found.width, bytes.readUInt16LE(at + 1) + bytes.readUInt16LE(at + 5));
      found.height = Math.max(found.height, bytes.readUInt16LE(at + 3) + bytes.readUInt16LE(at + 7));
      at += 11 + colourTable(bytes.readUInt8(at + 9));
    } else at += 2;
    while (bytes.readUInt8(at) !== 0) at += 1 + bytes.readUInt8(at);
    at += 1;
  }
}

function colourTable(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}
