import { describe, expect, it } from '@jest/globals';
import { QueueFull } from '../../src/kit/bounded-queue.ts';
import { openLines } from '../../src/kit/lines.ts';

describe('lines', () => {
  /** Work that ends when it is told to, and notes when it began. */
  function work(began: string[], name: string) {
    let end = () => {};
    const ended = new Promise<void>((done) => {
      end = done;
    });
    const run = async () => {
      began.push(name);
      await ended;
      return name;
    };
    return { end: () => end(), run };
  }

  it('let one at a time through for each key, in order, and other keys beside them', async () => {
    const lines = openLines({ depth: 5, retryAfter: 1 });
    const began: string[] = [];
    const [first, second, other] = ['a1', 'a2', 'b1'].map((name) => work(began, name));
    if (!first || !second || !other) throw new Error('three');
    const runs = [lines.run('a', first.run), lines.run('a', second.run), lines.run('b', other.run)];
    expect(began).toEqual(['a1', 'b1']);
    first.end();
    await runs[0];
    await Promise.resolve();
    expect(began).toEqual(['a1', 'b1', 'a2']);
    second.end();
    other.end();
    expect(await Promise.all(runs)).toEqual(['a1', 'a2', 'b1']);
  });

  it('turn away who finds too many waiting, at this key only, and go on after an error', async () => {
    const lines = openLines({ depth: 1, retryAfter: 7 });
    const began: string[] = [];
    const [first, second] = [work(began, 'a1'), work(began, 'a2')];
    const runs = [lines.run('a', first.run), lines.run('a', second.run)];
    await expect(lines.run('a', async () => 'a3')).rejects.toThrow(QueueFull);
    expect(await lines.run('b', async () => 'b1')).toBe('b1');
    first.end();
    second.end();
    await Promise.all(runs);
    await expect(
      lines.run('a', async () => {
        throw new Error('wrong');
      }),
    ).rejects.toThrow('wrong');
    expect(await lines.run('a', async () => 'a4')).toBe('a4');
  });
});
