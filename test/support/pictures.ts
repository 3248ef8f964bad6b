import { readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

/** Small pictures in test/support/pictures, each as a program of others saved it. */
export const stillPictures = [
  'still.png',
  'still.jpg',
  'progressive.jpg',
  'lossy.webp',
  'lossless.webp',
  'alpha.webp',
  'still.gif',
] as const;

export function picture(name: string): Buffer {
  return readFileSync(pictureFile(name));
}

export function pictureFile(name: string): string {
  return path.join(import.meta.dirname, 'pictures', name);
}

export function dataUri(bytes: Buffer, mediaType = 'image/png'): string {
  return `data:${mediaType};base64,${bytes.toString('base64')}`;
}

/** A black PNG that claims this size; `more` is carried along beside the picture. */
export function pngOf(width: number, height: number, more = ''): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...(more === '' ? [] : [chunk('tEXt', Buffer.from(more))]),
    chunk('IDAT', deflateSync(Buffer.alloc(Math.min(height * (width + 1), 2_000_000)))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A PNG of exactly so many bytes. */
export function pngOfBytes(bytes: number): Buffer {
  const least = pngOf(64, 64, 'x').length - 1;
  return pngOf(64, 64, 'x'.repeat(bytes - least));
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
