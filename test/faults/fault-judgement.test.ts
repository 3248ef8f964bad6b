import { describe, expect, it } from '@jest/globals';
import type { Asked } from '../../scripts/faults/asking.ts';
import { figuresOf } from '../../scripts/faults/figures.ts';
import { openFindings } from '../../scripts/faults/findings.ts';
import type { Entry, Intent } from '../../scripts/faults/ledger.ts';
import { settle } from '../../scripts/faults/settle.ts';
import type { Stage } from '../../scripts/faults/stage.ts';
import { only503 } from '../../scripts/faults/targets.ts';

/** How `npm run faults` judges what it saw, on answers that are made up. */
describe('what is told while a store is away', () => {
  const told = (...statuses: number[]) => {
    const entries = statuses.map((status, id) => ({ id, kind: 'refresh', status, start: id, end: id + 1 }));
    return figuresOf(entries as unknown as Entry[], { since: 0, until: Number.POSITIVE_INFINITY });
  };

  it.each([
    ['503', [503, 503]],
    ['503, and what needs no store', [200, 303, 503]],
  ])('may be %s', (_what, statuses) => {
    expect(only503('answers', told(...statuses)).met).toBe(true);
  });

  it.each([
    ['500', [503, 500]],
    ['502 of the balancer', [503, 502]],
    ['504 of the balancer', [504]],
    ['nothing', [503, 0]],
    ['400, as if it were a thief', [503, 400]],
    ['429', [429]],
  ])('is nothing else: %s', (_what, statuses) => {
    expect(only503('answers', told(...statuses)).met).toBe(false);
  });
});

describe('what is asked for again after a fault', () => {
  const member = { number: 0, name: 'm', address: '100.64.0.1', cookie: 'c' };

  /** A stage on which one token is asked about and one spent code is shown, and all answers are these. */
  async function settled(...answers: { status: number; text: string }[]) {
    const findings = openFindings();
    const asked: string[] = [];
    const asker = {
      async ask(intent: Intent, { path }: Asked) {
        asked.push(`${intent.kind} ${path}`);
        return { ...(answers.length > 1 ? answers.shift() : answers[0]), headers: {} };
      },
    };
    const crowd = {
      members: [],
      ended: [],
      codes: [],
      spentCodes: [],
      walkers: [],
      families: [{ member, grant: 'g', accessToken: 'a', refreshToken: 'r', state: 'live', busy: false }],
    };
    const bed = { nodes: [{ name: 'node1', port: 1 }] };
    await settle({ findings, asker, crowd, bed } as unknown as Stage, { patient: false });
    return { asked, found: findings.list().map(({ invariant }) => invariant) };
  }
  const refreshed = { status: 200, text: JSON.stringify({ refresh_token: 'r2', access_token: 'a2' }) };
  const active = { status: 200, text: '{"active":true}' };
  const gone = { status: 200, text: '{"active":false}' };
  const busy = { status: 503, text: '' };

  it('is lost when it is said to be', async () => {
    expect((await settled(gone, refreshed)).found).toEqual(['I3']);
  });

  it('is not lost when it is there', async () => {
    expect((await settled(active, refreshed)).found).toEqual([]);
  });

  it('is not lost when a store is not back yet: it is asked for until it is', async () => {
    const { asked, found } = await settled(busy, busy, active, refreshed);
    expect([asked.filter((one) => one.startsWith('probe')).length, found]).toEqual([3, []]);
    expect((await settled(busy, gone, refreshed)).found).toEqual(['I3']);
  });

  it('is neither lost nor kept when nobody answers, which is told', async () => {
    expect((await settled({ status: 0, text: '' }, refreshed)).found).toEqual(['I7']);
  });
});
