import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(8192);
let used = pool.length;

/**
 * Random bytes of the system's source, at most 1024. Asking it costs as much as a small query whatever the amount, so
 * they are fetched in bulk; each byte is handed out once and overwritten in the pool.
 */
export function random(bytes: number): Buffer {
  if (bytes > 1024) throw new Error('random() is for ids and keys');
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const piece = Buffer.from(pool.subarray(used, used + bytes));
  pool.fill(0, used, used + bytes);
  used += bytes;
  return piece;
}
