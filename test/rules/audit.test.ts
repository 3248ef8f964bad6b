import { describe, expect, it } from '@jest/globals';
import { eventKinds } from '../../src/audit/catalogue.ts';
import { orderedIds } from '../../src/kit/ordered-ids.ts';
import { printable } from '../../src/kit/printable.ts';

describe('text from outside, in a record', () => {
  it.each([
    ['a forged line', 'Ada\n{"level":"info"}', 'Ada\\u{a}{"level":"info"}'],
    ['a carriage return', 'a\rb', 'a\\u{d}b'],
    ['NUL', 'a\u0000b', 'a\\u{0}b'],
    ['an escape sequence', '\u001b[31mred', '\\u{1b}[31mred'],
    ['an 8-bit escape sequence', '\u009b31mred', '\\u{9b}31mred'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a right-to-left override', 'a\u202eb', 'a\\u{202e}b'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
    ['a format specifier', '%n%s', '%n%s'],
    ['other people’s letters', 'عائشة 山田 👩‍🚀', 'عائشة 山田 👩‍🚀'],
  ])('shows %s harmlessly', (_what, typed, shown) => {
    expect(printable(typed, 200)).toBe(shown);
  });

  it('is cut, escapes and halves of characters included', () => {
    expect(printable('a'.repeat(60_000), 200)).toHaveLength(200);
    expect(printable('\n'.repeat(60_000), 200)).toHaveLength(200);
    expect(printable('👩'.repeat(200), 199).isWellFormed()).toBe(true);
  });
});

describe('the catalogue of events', () => {
  it('has a sentence for each, and no member that could carry what lets its holder in', () => {
    for (const [type, { description, detail }] of Object.entries(eventKinds)) {
      expect(type).toMatch(/^[a-z_]+\.[a-z_]+$/);
      expect(description).toMatch(/^[A-Z].+\.$/);
      for (const member of Object.keys(detail.shape))
        expect(member).not.toMatch(/password|^code$|token|^secret$|verifier|cookie|identifier/);
    }
  });

  it('keeps only listed details, cut and printable', () => {
    const { detail } = eventKinds['account.sign_in_failed'];
    const kept = detail.parse({ reason: `wrong\n${'x'.repeat(60_000)}`, password: 'hunter2' });
    expect(Object.keys(kept)).toEqual(['reason']);
    expect(kept.reason).toHaveLength(200);
    expect(kept.reason).not.toContain('\n');
  });

  it('keeps at most fifty entries of a list', () => {
    const { detail } = eventKinds['consent.given'];
    expect(detail.parse({ allowed: Array(1000).fill('email') }).allowed).toHaveLength(50);
  });
});

describe('ids in order', () => {
  it('sort as they were made, also when the clock stands still or is set back', () => {
    const nextId = orderedIds();
    const times = [...Array(70_000).fill(1_700_000_000_000), 1_600_000_000_000, 1_700_000_000_500];
    const ids = times.map(nextId);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });
});
