import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ContactCodePurpose,
  checkContactCode,
  issueContactCode,
} from '../../src/credentials/contact-codes.ts';
import { minutes, seconds } from '../../src/kit/durations.ts';
import { openSeals, type Seals } from '../../src/kit/sealing.ts';
import { type Log, openLog } from '../../src/web/log.ts';
import { openTestLive, type TestLive } from '../support/stores.ts';

let home: TestLive;
let ctx: { live: TestLive['live']; seals: Seals; log: Log };
beforeEach(async () => {
  home = await openTestLive('sqlite');
  ctx = { live: home.live, seals: openSeals([randomBytes(32)]), log: openLog({ level: 'silent' }) };
});
afterEach(() => home.close());

const sent = { purpose: 'sign_up' as ContactCodePurpose, about: 'interaction-1 maria@example.com' };
const issue = (about = sent.about) =>
  issueContactCode(ctx, { ...sent, about, data: { address: 'maria@example.com' } });
const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

async function verdict(given: { id: string; code: string; purpose?: ContactCodePurpose; about?: string }) {
  const answer = await checkContactCode(ctx, { ...sent, ...given });
  return answer.ok ? 'right' : answer.reason;
}

describe('A code sent to an address', () => {
  it('is six digits, gives back its data, and is good once', async () => {
    const { id, code, guessesLeft } = await issue();
    expect(code).toMatch(/^\d{6}$/);
    expect(guessesLeft).toBe(5);
    const typed = `${code.slice(0, 3)} ${code.slice(3)}`;
    expect(await checkContactCode(ctx, { ...sent, id, code: typed })).toMatchObject({
      ok: true,
      data: { address: 'maria@example.com' },
    });
    expect(await verdict({ id, code })).toBe('expired');
  });

  it('is good for ten minutes', async () => {
    const early = await issue('a');
    const late = await issue('b');
    await home.pass(10 * minutes - seconds);
    expect(await verdict({ ...early, about: 'a' })).toBe('right');
    await home.pass(2 * seconds);
    expect(await verdict({ ...late, about: 'b' })).toBe('expired');
  });

  it('is dead after five wrong guesses, and the right one does not help then', async () => {
    const { id, code } = await issue();
    for (let guess = 0; guess < 5; guess += 1)
      expect(await verdict({ id, code: wrong(code) })).toBe('wrong_code');
    expect(await verdict({ id, code })).toBe('expired');
  });

  it('is still good at the fifth guess', async () => {
    const { id, code } = await issue();
    for (let guess = 0; guess < 4; guess += 1) await verdict({ id, code: wrong(code) });
    expect(await verdict({ id, code })).toBe('right');
  });

  it('is dead once a newer one was sent', async () => {
    const older = await issue();
    const newer = await issue();
    expect(await verdict(older)).toBe('expired');
    expect(await verdict({ ...newer, id: older.id })).toBe('expired');
    expect(await verdict(newer)).toBe('right');
  });

  it('brings no new guesses when it is sent again', async () => {
    const first = await issue();
    for (let guess = 0; guess < 4; guess += 1) await verdict({ ...first, code: wrong(first.code) });
    const second = await issue();
    expect(second.guessesLeft).toBe(1);
    expect(await verdict({ ...second, code: wrong(second.code) })).toBe('wrong_code');
    expect(await verdict(second)).toBe('expired');
    expect((await issue()).guessesLeft).toBe(0);
  });

  it('keeps its own five guesses where the hour of its forerunners ends in its life', async () => {
    const first = await issue();
    await verdict({ ...first, code: wrong(first.code) });
    await home.pass(55 * minutes);
    const second = await issue();
    for (let guess = 0; guess < 3; guess += 1) await verdict({ ...second, code: wrong(second.code) });
    await home.pass(6 * minutes);
    const answers: string[] = [];
    for (let guess = 0; guess < 3; guess += 1)
      answers.push(await verdict({ ...second, code: wrong(second.code) }));
    expect(answers).toEqual(['wrong_code', 'wrong_code', 'expired']);
  });

  it('does not count what cannot be a code', async () => {
    const { id, code } = await issue();
    for (const typo of ['', '12345', 'abcdef', '1234567', ...Array(10).fill('x')])
      expect(await verdict({ id, code: typo })).toBe('wrong_code');
    expect(await verdict({ id, code })).toBe('right');
  });

  it('gives the guesses back that a right answer took', async () => {
    for (let round = 0; round < 7; round += 1) {
      const { id, code } = await issue();
      expect(await verdict({ id, code })).toBe('right');
    }
  });

  it.each([
    ['another purpose', { purpose: 'reset' as const }],
    ['another interaction', { about: 'interaction-2 maria@example.com' }],
    ['another address', { about: 'interaction-1 eve@example.com' }],
    ['another id', { id: 'not-the-id' }],
  ])('is no good for %s', async (_, other) => {
    const given = await issue();
    expect(await verdict({ id: given.id, code: given.code, ...other })).toBe('expired');
    expect(await verdict(given)).toBe('right');
  });

  it('can be read from nothing that is stored', async () => {
    const keys: string[] = [];
    const values: string[] = [];
    const live = {
      ...home.live,
      commit: (steps: Parameters<typeof home.live.commit>[0]) => {
        for (const step of steps) {
          keys.push(step.key);
          if ('value' in step && step.value !== undefined) values.push(step.value);
        }
        return home.live.commit(steps);
      },
    };
    const { code } = await issueContactCode(
      { ...ctx, live },
      { ...sent, data: { address: 'maria@example.com' } },
    );
    const everything = [...keys, ...values].join(' ');
    expect(everything).not.toContain('maria@');
    expect(
      values
        .map((value) => JSON.parse(value))
        .every((stored) => stored.code === undefined && stored.mac !== code),
    ).toBe(true);
  });
});
