import { copyFileSync, readdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAsker } from './asking.ts';
import { type BedOptions, openBed } from './bed.ts';
import { check } from './checker.ts';
import { type Crowd, newMember, signInByPages } from './crowd.ts';
import { type Finding, openFindings } from './findings.ts';
import { compareStock, type Holdings, takeStock } from './holdings.ts';
import { type Entry, now, openLedger } from './ledger.ts';
import { seeded, startLoad } from './load.ts';
import { authorizeOnce } from './operations.ts';
import { settle } from './settle.ts';
import type { Stage } from './stage.ts';
import { redeem } from './tokens.ts';

/** How long and how hard. `length`: 1 is the short form, of a minute or less each; more makes the faults longer and more. */
export type Effort = { rate: number; length: number };

export type Recipe = {
  name: string;
  title: string;
  bed: Partial<BedOptions>;
  play(stage: Stage, effort: Effort): Promise<Played>;
};

/** `target`: the document's best in class. */
export type Measured = { what: string; figure: string; target: string; met: boolean };
export type Played = {
  /** What shows that the fault really happened. */
  proof: string[];
  /** Why the run proves nothing, if it does not. */
  voided?: string[];
  measured: Measured[];
};
export type Result = Played & {
  name: string;
  title: string;
  voided: string[];
  findings: Finding[];
  requests: number;
  seconds: number;
};

/** For a test of the command itself: enough to see that each part does its work. */
const isShort = ({ length }: Pick<Effort, 'length'>) => length < 0.2;

const members = 30;
const walkers = 60;
const familiesEach = 5;

/** Sets up a bed of its own, plays, and takes everything down again whatever happens. */
export async function perform(
  recipe: Recipe,
  effort: Effort,
  { keep }: { keep?: string | undefined } = {},
): Promise<Result> {
  const startedAt = performance.now();
  const bed = await openBed({ ...recipe.bed, people: members + walkers });
  const leave = () => void bed.stop().finally(() => process.exit(1));
  process.once('SIGINT', leave).once('SIGTERM', leave);
  const ledger = openLedger(path.join(keep ?? bed.folder, `${recipe.name}.ledger`));
  const asker = openAsker({ ledger, host: bed.host, port: bed.port });
  const crowd: Crowd = { members: [], walkers: [], families: [], codes: [], spentCodes: [], ended: [] };
  const end = new AbortController();
  const findings = openFindings();
  const stage: Stage = { bed, ledger, asker, crowd, findings, random: seeded(20261122), over: end.signal };
  try {
    const played = await Promise.race([recipe.play(stage, effort), tooLong(effort)]).catch(
      (error: unknown): Played => ({ proof: [], voided: [`it broke off: ${describe(error)}`], measured: [] }),
    );
    return {
      name: recipe.name,
      title: recipe.title,
      ...played,
      voided: played.voided ?? [],
      findings: stage.findings.list(),
      requests: ledger.entries.length,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    };
  } finally {
    end.abort();
    process.off('SIGINT', leave).off('SIGTERM', leave);
    asker.close();
    ledger.close();
    if (keep) keepLogs(bed, path.join(keep, recipe.name));
    await bed.stop();
  }
}

/** Longer than any recipe takes, also where much else goes on. */
async function tooLong({ length }: Effort): Promise<never> {
  await sleep(240_000 + 120_000 * length, undefined, { ref: false });
  throw new Error('it took too long');
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** For whoever wants to know what the servers said. */
function keepLogs({ folder }: Stage['bed'], prefix: string): void {
  for (const name of readdirSync(folder))
    if (name.endsWith('.log')) copyFileSync(path.join(folder, name), `${prefix}.${name}`);
  copyFileSync(path.join(folder, 'nginx/error.log'), `${prefix}.nginx.log`);
}

/** The people sign in, and each has a few chains of tokens. Then everybody comes at once, so that all pools are full. */
export async function gather(stage: Stage, effort: Pick<Effort, 'length'>): Promise<void> {
  const { crowd } = stage;
  const some = isShort(effort) ? 6 : members;
  crowd.members = Array.from({ length: some }, (_, number) => newMember(number, { walks: false }));
  crowd.walkers = Array.from({ length: walkers }, (_, number) =>
    newMember(members + number, { walks: true }),
  );
  for (const member of crowd.members) {
    const code = await patiently(() => signInByPages(stage.bed, member));
    await redeem(stage, { member, code, at: now(), retried: false });
    for (let more = 1; more < familiesEach; more += 1) await authorizeOnce(stage, member);
  }
  for (const code of crowd.codes.splice(0)) await redeem(stage, code);
  for (let times = 0; times < 4; times += 1)
    await Promise.all(crowd.members.map((member) => authorizeOnce(stage, member)));
  await Promise.all(crowd.codes.splice(0).map((code) => redeem(stage, code)));
}

/** Before anything is broken, a machine that is busy with other things may make us wait. */
async function patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1)
    try {
      return await attempt();
    } catch (error) {
      if (tries === 8) throw error;
      await sleep(1000);
    }
}

/** Until what the load left behind has gone its way, such as messages; not for ever. */
async function quiet(stage: Stage): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    if ((await takeStock(stage.bed)).messages === 0) return;
    await sleep(500);
  }
}

export type Fault = { began: number; ended: number; proof: string[]; before: Holdings };

/** The load runs before, during and after the fault; then all that was acknowledged is asked for again and checked. */
export async function underLoad(
  stage: Stage,
  effort: Effort,
  fault: (began: number) => Promise<string[]>,
  { allowed, after = 6000 }: { allowed?: (entry: Entry) => boolean; after?: number } = {},
): Promise<Fault & { alarms: number; voided: string[] }> {
  await gather(stage, effort);
  const unhurried = isShort(effort) ? 0.3 : 1;
  const load = startLoad(stage, effort);
  await sleep(6000 * unhurried);
  const before = await takeStock(stage.bed);
  const began = now();
  const proof = await fault(began);
  const ended = now();
  await sleep(after * unhurried);
  await load.stop();
  await settle(stage, { patient: !isShort(effort) });
  await quiet(stage);
  compareStock(stage.findings, before, await takeStock(stage.bed));
  const { alarms } = await check(stage, allowed ? { allowed } : {});
  const voided = [...unservedBy(stage), ...busyMachine(load.ownDelay())];
  return { began, ended, proof, before, alarms, voided };
}

/** Where much else goes on, answers are late for reasons that are not ours; what this process itself was late, they were too. */
function busyMachine(ownDelay: number): string[] {
  const [lastMinute = 0] = loadavg();
  if (ownDelay < 400 && lastMinute < 4 * availableParallelism()) return [];
  const said = `the load of it was ${lastMinute.toFixed(1)}, and this process up to ${Math.round(ownDelay)} ms late`;
  return [`the machine was too busy with other things: ${said}`];
}

/** Every-node check: one that served nothing was not tested. */
function unservedBy({ bed, ledger }: Stage): string[] {
  return bed.nodes.flatMap(({ name, port }) => {
    const served = ledger.entries.filter(
      ({ nodes, kind }) => nodes.at(-1) === `127.0.0.1:${port}` && kind !== 'probe',
    );
    return served.length >= 20 ? [] : [`${name} served ${served.length} requests of the load`];
  });
}
