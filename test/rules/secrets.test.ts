import { describe, expect, it } from '@jest/globals';
import { newDigits, newId, newSecret, sameSecret } from '../../src/kit/secrets.ts';

describe('ids and secrets', () => {
  it('never begin an id with a dash, which a command line takes for a flag', () => {
    const ids = Array.from({ length: 5000 }, newId);
    expect(ids.filter((id) => !/^[A-Za-z0-9][\w-]{21}$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('have the length and the characters they promise', () => {
    expect(newSecret()).toMatch(/^[\w-]{43}$/);
    expect(newDigits(6)).toMatch(/^\d{6}$/);
  });

  it('are the same only when every character is', () => {
    expect(sameSecret('secret', 'secret')).toBe(true);
    for (const other of ['secret\0', 'secre', 'Secret', '']) expect(sameSecret('secret', other)).toBe(false);
  });
});
