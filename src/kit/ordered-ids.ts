import { random } from './random.ts';

/**
 * Makes ids that sort by time, and by the order of making within one source also when the clock stands still or is set
 * back: 12 hex digits of milliseconds, 4 of a counter, 16 random so that processes never meet. Hex in lower case and of
 * one length sorts the same under every collation of a database.
 */
export function orderedIds(): (now: number) => string {
  let time = 0;
  let count = 0;
  return (now) => {
    count = now > time ? 0 : count + 1;
    if (count > 0xffff) {
      time += 1;
      count = 0;
    }
    time = Math.max(time, now);
    return `${hex(time, 12)}${hex(count, 4)}${random(8).toString('hex')}`;
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
