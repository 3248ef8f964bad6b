import { describe, expect, it } from '@jest/globals';
import { showsTooLittle } from './shows-too-little.ts';

/** What a row of the matrix came to, made up: the judgement alone is looked at here. */
const row = { kind: 'redis', rounds: 100, uses: 20, won: 100, tooBusy: 0, busy: 0 };
const judged = (came: Partial<typeof row>, leaves?: number) =>
  showsTooLittle(leaves === undefined ? {} : { leaves }, { ...row, ...came });

describe('a row of the race matrix', () => {
  it.each([
    ['all rounds have a winner', {}],
    ['half of them have', { won: 50 }],
    ['one round met stores that were too busy', { won: 99, tooBusy: 1, busy: 20 }],
    ['one of ten did', { rounds: 10, won: 9, tooBusy: 1, busy: 20 }],
    ['a tenth of the rounds did, and two', { won: 88, tooBusy: 12, busy: 240 }],
  ])('holds when %s', (_what, came) => {
    expect(judged(came)).toEqual([]);
  });

  it.each([
    ['nobody ever wins', { won: 0 }],
    ['most rounds have no winner', { won: 49 }],
    ['everything answers 503', { won: 0, tooBusy: 100, busy: 2000 }],
    ['everything answers 503 in ten rounds', { rounds: 10, won: 0, tooBusy: 10, busy: 200 }],
    ['a round more than a tenth and two met busy stores', { won: 87, tooBusy: 13, busy: 260 }],
    ['who would win is told 503, and losers are told right', { won: 0, tooBusy: 100, busy: 100 }],
    ['losers are told 503', { busy: 1900 }],
  ])('fails when %s', (_what, came) => {
    expect(judged(came)).not.toEqual([]);
  });

  it('may have met busy stores in half of its rounds behind the jitter, and not in all', () => {
    expect(judged({ kind: 'jitter', rounds: 10, won: 5, tooBusy: 5, busy: 150 })).toEqual([]);
    expect(judged({ kind: 'jitter', rounds: 10, won: 2, tooBusy: 8, busy: 180 })).not.toEqual([]);
    expect(judged({ kind: 'jitter', won: 0, tooBusy: 100, busy: 2000 })).not.toEqual([]);
  });

  it('may have few winners where something ends beside the uses, and some even there', () => {
    expect(judged({ won: 5 }, 0)).toEqual([]);
    expect(judged({ won: 4 }, 0)).not.toEqual([]);
    expect(judged({ won: 0, tooBusy: 100, busy: 2000 }, 0)).not.toEqual([]);
  });
});
