import { describe, expect, it } from '@jest/globals';
import { judgePassword } from '../../src/credentials/strength.ts';
import { strengthReasons } from '../../src/credentials/strength-reasons.ts';
import { costOf } from '../support/timing.ts';

const about = ['maria.gonzalez@example.com', 'María González'];

describe('The strength of a password', () => {
  it.each([
    ['', 0],
    ['password123', 0],
    ['Maria.Gonzalez85', 0],
    ['qwertzuiop12', 1],
    ['hvntrqpz', 2],
    ['correct horse battery staple nine', 4],
    ['\u{1F98A}'.repeat(3), 1],
    ['x'.repeat(5000), 0],
  ])('of %p is %d at most', (password, score) => {
    const judged = judgePassword(password, about);
    expect(judged.score).toBeLessThanOrEqual(score);
    if (score === 4) expect(judged).toEqual({ score: 4, reasons: [] });
    else expect(judged.reasons.length).toBeGreaterThan(0);
  });

  it('says why in keys that have sentences', () => {
    expect(judgePassword('password123', about).reasons).toContain('strength.common');
    expect(judgePassword('maria.gonzalez', about).reasons).toContain('strength.about_you');
    expect(judgePassword('kfjabcdefgh', about).reasons.length).toBeGreaterThan(0);
    const known = new Set<string>(Object.values(strengthReasons));
    const typical = [
      'asdfghjkl;',
      'Aabcabcabcabcz',
      '6543210987',
      '1987-04-30',
      'p@ssw0rd!',
      'drowssap1',
      'SUNFLOWERS',
      'jennifers',
      'elephant9',
    ];
    for (const password of typical)
      for (const reason of judgePassword(password, about).reasons) expect(known).toContain(reason);
  });

  it('takes about the same time for a very long password as for 64 characters', async () => {
    judgePassword('warm up the dictionaries', about);
    const cost = await costOf(() => judgePassword('4@8({[<369&#!1/|0$5+7%2a'.repeat(400), about));
    expect(cost).toBeLessThan(2000);
  });
});
