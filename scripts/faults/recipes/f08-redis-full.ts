import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../../test/support/servers.mjs';
import { figuresOf } from '../figures.ts';
import { now } from '../ledger.ts';
import { openNode } from '../node.ts';
import { type Measured, type Recipe, underLoad } from '../recipe.ts';
import { asAdmin, infoOf } from '../redis-kinds.ts';
import type { Stage } from '../stage.ts';
import { only503, withinMs, zero } from '../targets.ts';

/** F8: a Redis that may throw keys away is refused; one that fills up refuses writes, and forgets nothing. */
export const redisFull: Recipe = {
  name: 'F8',
  title: 'Eviction, full memory',
  bed: {},
  async play(stage, effort) {
    const { bed, findings, ledger } = stage;
    const { url } = bed.redis;
    const full = { from: 0, to: 0 };
    const verdicts: Measured[] = [];
    const fault = async () => {
      const used = Number(await infoOf(url, 'memory', 'used_memory'));
      const limit = Math.max(20, Math.ceil(used / 2 ** 20) + 12) * 2 ** 20;
      const proof = await asAdmin(url, async (redis) => {
        await redis.config('SET', 'maxmemory', limit);
        await fill(redis, async () => Number(await infoOf(url, 'memory', 'used_memory')) > limit * 0.85);
        verdicts.push(sees('doctor at 85 %', await doctor(stage), /WARN.*\d\d % of its memory/));
        await fill(redis, async () => false);
        // What expires makes room; so the limit comes down a little, and it stays full.
        await redis.config('SET', 'maxmemory', limit - 2 * 2 ** 20);
        full.from = now();
        const refused = await redis
          .set('{filler}:last', 'x', 'PX', 1000)
          .catch((error: Error) => error.message);
        await sleep(5000);
        verdicts.push(sees('doctor when it is full', await doctor(stage), /WARN.*\d\d+ % of its memory/));
        full.to = now();
        await empty(redis);
        await redis.config('SET', 'maxmemory', 0);
        return `a write of ours at ${limit / 2 ** 20} MiB: ${refused}`;
      });
      return [proof];
    };
    const played = await underLoad(stage, effort, fault);
    const during = figuresOf(ledger.entries, { since: full.from, until: full.to });
    const reads = figuresOf(
      ledger.entries.filter(({ kind }) => kind === 'introspect'),
      { since: full.from, until: full.to },
    );
    const written = ledger.entries.filter(
      ({ kind, status, start, end }) =>
        (kind === 'redeem' || kind === 'refresh') && status === 200 && start >= full.from && end < full.to,
    ).length;
    const after = figuresOf(ledger.entries, { since: full.to, until: Number.POSITIVE_INFINITY });
    verdicts.push(...(await evicting(stage)));
    return {
      proof: played.proof,
      voided: [
        ...played.voided,
        ...(played.proof.every((line) => line.includes('OOM')) ? [] : ['Redis was not full']),
        ...(during.errors === 0 ? ['nobody noticed that Redis was full'] : []),
      ],
      measured: [
        ...verdicts,
        only503('answers while it is full', during, 'writes 503'),
        zero('tokens that were given while it is full', written),
        zero('errors of what only reads', reads.errors),
        withinMs('slowest answer while it is full', during.worst, 2000),
        withinMs(
          'last error after there is room again',
          after.errors === 0 ? 0 : after.lastErrorAfterFault,
          1000,
        ),
        zero('spent things that came back', findings.count('I1') + findings.count('I4')),
        zero('acknowledged writes lost', findings.count('I3')),
        zero('false alarms', played.alarms + findings.count('I6')),
      ],
    };
  },
};

type Admin = Parameters<Parameters<typeof asAdmin>[1]>[0];
const fillers = { count: 0 };

/** Until `enough`, or until it takes no more. */
async function fill(redis: Admin, enough: () => Promise<boolean>): Promise<void> {
  for (const size of [100_000, 5000, 100])
    for (;;) {
      if (await enough()) return;
      fillers.count += 1;
      const refused = await redis
        .set(`{filler}:${fillers.count}`, 'x'.repeat(size), 'PX', 120_000)
        .catch((error: Error) => error.message);
      if (String(refused).startsWith('OOM')) break;
    }
}

async function empty(redis: Admin): Promise<void> {
  for (; fillers.count > 0; fillers.count -= 1) await redis.del(`{filler}:${fillers.count}`);
}

async function doctor({ bed }: Stage): Promise<string> {
  const program = path.join(import.meta.dirname, '../../../bin/latchkey.mjs');
  const env = { PATH: process.env['PATH'], ...bed.environment, PORT: String(bed.nodes[0]?.port) };
  const asked = promisify(execFile)(process.execPath, [program, 'doctor'], { env, timeout: 60_000 });
  return asked.then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}

function sees(what: string, said: string, expected: RegExp): Measured {
  const line = said.split('\n').find((one) => expected.test(one));
  return {
    what,
    figure: line?.trim() ?? 'says nothing',
    target: 'an alarm from 80 % on',
    met: line !== undefined,
  };
}

/** With every policy that throws keys away, no server starts. */
async function evicting({ bed }: Stage): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const policy of ['allkeys-lru', 'volatile-ttl']) {
    await asAdmin(bed.redis.url, (redis) => redis.config('SET', 'maxmemory-policy', policy));
    const name = `node-${policy}`;
    const node = openNode({ name, port: await freePort(), folder: bed.folder, environment: bed.environment });
    const started = await node.start().then(
      () => true,
      () => false,
    );
    await node.kill();
    const sentence =
      node
        .said()
        .split('\n')
        .find((line) => line.includes('noeviction')) ?? '';
    measured.push({
      what: `a start with ${policy}`,
      figure: started ? 'starts' : `refused: ${sentence.slice(0, 120)}`,
      target: 'refused',
      met: !started && sentence !== '',
    });
  }
  await asAdmin(bed.redis.url, (redis) => redis.config('SET', 'maxmemory-policy', 'noeviction'));
  return measured;
}
