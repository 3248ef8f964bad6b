import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../src/kit/durations.ts';
import { newId } from '../../src/kit/secrets.ts';
import {
  claimOffPasswords,
  forgetFailures,
  forgetNobodysFailures,
  forgetQuietFailures,
  giveTryBack,
  listFailures,
  type Subject,
  takeTry,
} from '../../src/limits/failures.ts';
import {
  mostKnownBrowsers,
  type Proof,
  triesOfKnownBrowser,
  waitAfter,
  waits,
} from '../../src/limits/waits.ts';
import type { Database } from '../../src/store/tables.ts';
import { databaseKinds, openTestDatabase, type TestClock, testClock } from '../support/stores.ts';

describe.each(databaseKinds)('wrong tries in a row, on %s', (kind) => {
  let db: Database;
  let close: () => Promise<void>;
  let clock: TestClock;
  beforeAll(async () => {
    ({ db, close } = await openTestDatabase(kind));
    clock = testClock();
  });
  afterAll(() => close());

  const records = () => ({ db, clock });
  const someone = (): Subject => ({ account: newId() });
  const take = (subject: Subject, proof: Proof = 'password') => takeTry(records(), { proof, subject });
  const accountOf = (subject: Subject) => ('account' in subject ? subject.account : '');

  /** Takes tries as soon as each is to be had, and answers the waits between them in milliseconds. */
  async function waitsOf(subject: Subject, proof: Proof, tries: number): Promise<number[]> {
    const seen: number[] = [];
    for (let one = 0; one < tries; one += 1) {
      let waited = 0;
      for (let answer = await take(subject, proof); !answer.ok; answer = await take(subject, proof)) {
        if (answer.off) return seen;
        clock.advance(answer.retryAfterSeconds * 1000);
        waited += answer.retryAfterSeconds * 1000;
      }
      seen.push(waited);
    }
    return seen;
  }

  it('are as free as they are said to be on processes whose clocks differ by a little', async () => {
    const subject = someone();
    for (let one = 0; one < waits.second_step.free; one += 1) {
      const behind = { db, clock: testClock(clock.now() - one) };
      expect(await takeTry(behind, { proof: 'second_step', subject })).toEqual({ ok: true });
    }
  });

  it.each(['password', 'second_step', 'reset_code'] as const)(
    'wait as %s says, longer each time',
    async (proof) => {
      const { free, steps } = waits[proof];
      const seen = await waitsOf(someone(), proof, free + steps.length + 2);
      const last = steps.at(-1);
      expect(seen).toEqual([...Array.from({ length: free + 1 }, () => 0), ...steps.slice(0, -1), last, last]);
    },
  );

  it('end with the password off, and no wait switches it on again', async () => {
    const subject = someone();
    expect(await waitsOf(subject, 'password', 200)).toHaveLength(50);
    clock.advance(1000 * 24 * 60 * minutes);
    expect(await take(subject)).toMatchObject({ ok: false, off: true });
    expect(await listFailures(records(), accountOf(subject))).toMatchObject([
      { proof: 'password', inARow: 50, off: true },
    ]);
    await forgetFailures(records(), { accountId: accountOf(subject), proofs: ['password'] });
    expect(await take(subject)).toEqual({ ok: true });
  });

  it('are a hundred at most with those of every browser that an account may know (NIST SP 800-63B-4, 3.2.2)', () => {
    for (const proof of ['password', 'second_step'] as const)
      expect((waits[proof].offAfter ?? 0) + mostKnownBrowsers * triesOfKnownBrowser).toBeLessThanOrEqual(100);
  });

  it('let exactly as many be looked at as there are, however many race, of accounts and of nobody', async () => {
    for (const subject of [someone(), { nobody: newId() }]) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => take(subject)));
      expect(answers.filter(({ ok }) => ok)).toHaveLength(waits.password.free + 1);
      clock.advance(minutes);
      const again = await Promise.all(Array.from({ length: 50 }, () => take(subject)));
      expect(again.filter(({ ok }) => ok)).toHaveLength(1);
    }
  });

  it('do not grow by what comes during a wait', async () => {
    const subject = someone();
    await waitsOf(subject, 'password', waits.password.free + 1);
    for (let hammering = 0; hammering < 20; hammering += 1) {
      expect(await take(subject)).toMatchObject({ ok: false });
      clock.advance(minutes / 20);
    }
    expect(await take(subject)).toEqual({ ok: true });
  });

  it('are not what was right, nor what could not be looked at', async () => {
    const subject = someone();
    await waitsOf(subject, 'password', waits.password.free);
    for (let right = 0; right < 10; right += 1) {
      expect(await take(subject)).toEqual({ ok: true });
      await giveTryBack(records(), { proof: 'password', subject });
    }
    expect(await listFailures(records(), accountOf(subject))).toMatchObject([
      { inARow: waits.password.free },
    ]);
  });

  it('of one proof and one account are nobody else’s', async () => {
    const subject = someone();
    await waitsOf(subject, 'password', waits.password.free + 1);
    expect(await take(subject)).toMatchObject({ ok: false });
    expect(await take(subject, 'second_step')).toEqual({ ok: true });
    expect(await take(someone())).toEqual({ ok: true });
    // A digest that reads like an id, should there ever be one.
    expect(await take({ nobody: accountOf(subject) })).toEqual({ ok: true });
  });

  it('are forgotten where it is quiet, if asked so, and not while somebody tries nor when the password is off', async () => {
    const [quiet, tried, off] = [someone(), someone(), someone()];
    await waitsOf(quiet, 'password', 5);
    await waitsOf(off, 'password', 60);
    clock.advance(60 * minutes);
    await waitsOf(tried, 'password', 5);
    for (const subject of [quiet, tried, off])
      await forgetQuietFailures(records(), {
        accountId: accountOf(subject),
        proofs: ['password'],
        since: clock.now() - 30 * minutes,
      });
    expect(await take(quiet)).toEqual({ ok: true });
    expect(await take(tried)).toMatchObject({ ok: false, off: false });
    expect(await take(off)).toMatchObject({ ok: false, off: true });
  });

  it('that switched a password off are told once, by one process, and never those of nobody', async () => {
    const off = someone();
    await waitsOf(off, 'password', 60);
    await waitsOf({ nobody: newId() }, 'password', 60);
    clock.advance(10_000);
    const claims = await Promise.all([1, 2, 3, 4].map(() => claimOffPasswords(records())));
    expect(claims.flat().filter((accountId) => accountId === accountOf(off))).toHaveLength(1);
    expect(claims.flat().every((accountId) => accountId !== '')).toBe(true);
  });

  it('at nobody’s account are kept for a day; those of accounts stay', async () => {
    const [subject, nobody] = [someone(), { nobody: newId() }];
    await waitsOf(subject, 'password', 5);
    await waitsOf(nobody, 'password', 5);
    clock.advance(25 * 60 * minutes);
    await forgetNobodysFailures(records());
    const rows = await db.selectFrom('failures').select(['account_id', 'in_a_row']).execute();
    expect(rows.filter(({ account_id }) => account_id === null)).toEqual([]);
    expect(rows).toContainEqual({ account_id: accountOf(subject), in_a_row: 5 });
  });
});

it('waits nothing while tries are free, and the last wait for good', () => {
  const of = { free: 2, steps: [10, 20], offAfter: undefined, why: '' };
  expect([0, 1, 2, 3, 4, 5, 50].map((inARow) => waitAfter(of, inARow))).toEqual([0, 0, 0, 10, 20, 20, 20]);
});
