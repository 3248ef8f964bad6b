/**
 * npm run bench: what an operation costs here, beside the plain engine, on the same machine in the same minute.
 *
 *   npm run bench                                   everything, in about four minutes
 *   npm run bench -- --only refresh,userinfo        some operations
 *   npm run bench -- --targets redis,yardstick      some targets
 *   npm run bench -- --seconds 8 --json FILE        longer on each, and the rows as JSON
 *   npm run bench -- --profile FOLDER               and a CPU profile of each server and operation into FOLDER
 *   npm run bench -- --hot-spots FILE               where the time went in such a profile
 *   npm run bench -- --shares FOLDER                and by whom, of our profiles on Redis in it, as docs/performance.md has it
 *   npm run bench -- --growth [--full]              how cost grows to 100,000 grants and accounts, or to a million
 *   npm run bench -- --revocation                   how long a revoked token lives on another process
 *
 * ARGON2_MEMORY_KIB and ARGON2_PASSES of its environment are the cost of a hash in what it measures.
 * Loopback only; every server is a child of this process, ends with it, and its data is removed. docs/performance.md
 * says what the numbers mean.
 */
import { writeFileSync } from 'node:fs';
import { chosen, folder, given, positive } from './arguments.ts';
import { hashAlone } from './bench/argon2-alone.ts';
import { compare } from './bench/compare.ts';
import { growth } from './bench/growth.ts';
import { printHotSpots } from './bench/hot-spots.ts';
import { forgetConnections } from './bench/measure.ts';
import { operations } from './bench/operations.ts';
import { type DetailedRow, printHeading, toJson } from './bench/report.ts';
import { revocation } from './bench/revocation.ts';
import { serveLatchkey } from './bench/serve-latchkey.ts';
import { servePlain } from './bench/serve-plain.ts';
import { printShares } from './bench/shares.ts';
import { openTarget, type Target, targetNames } from './bench/targets.ts';
import { tokensWhileSignInsQueue } from './bench/while-queueing.ts';

const values = given({
  json: { type: 'string' },
  seconds: { type: 'string', default: '3' },
  only: { type: 'string' },
  targets: { type: 'string' },
  profile: { type: 'string' },
  'hot-spots': { type: 'string' },
  shares: { type: 'string' },
  growth: { type: 'boolean', default: false },
  revocation: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  // What this file runs in its own children.
  serve: { type: 'string' },
  argon2: { type: 'string' },
});

if (values.serve === 'latchkey') await serveLatchkey();
else if (values.serve === 'plain') await servePlain();
else if (values.argon2) await hashAlone(Number(values.argon2));
else if (values['hot-spots']) printHotSpots(values['hot-spots']);
else if (values.shares) printShares(values.shares);
else if (values.growth) await growth({ full: values.full });
else if (values.revocation) await revocation();
else await bench();

async function bench(): Promise<void> {
  const measured = chosen('only', values.only, operations, ({ name }) => name);
  const names = chosen('targets', values.targets, targetNames, (name) => name);
  const seconds = positive('seconds', values.seconds);
  const profileTo = folder('profile', values.profile);
  const targets: Target[] = [];
  const rows: DetailedRow[] = [];
  const stop = stopOnSignal(targets);
  try {
    for (const name of names) targets.push(await openTarget(name, { people: 16 }));
    printHeading();
    for (const operation of measured)
      rows.push(...(await compare(operation, targets, { seconds, profileTo })));
    if (measured.some(({ name }) => name === 'password_sign_in')) await tokensWhileSignInsQueue(targets);
  } finally {
    await stop();
  }
  if (values.json) writeFileSync(values.json, toJson(rows));
}

/** Ends what was started, in order, also when the bench is interrupted. */
function stopOnSignal(targets: Target[]): () => Promise<void> {
  const stop = async () => {
    forgetConnections();
    for (const target of targets.splice(0)) await target.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  return stop;
}
