/**
 * A thread that opens new embedded stores in the same moment as others do: at each of `rounds` it says that it is there, and waits
 * for the signal. What went wrong is what it answers.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/kit/clock.ts';
import { liveFile } from '../../src/store/data-folder.ts';
import { openDatabase } from '../../src/store/database.ts';
import { openLiveSqlite } from '../../src/store/live-sqlite.ts';

const { folder, rounds, shared } = workerData as {
  folder: string;
  rounds: number;
  shared: SharedArrayBuffer;
};
/** The round that may begin, and how many threads have come to each so far. */
const [begun, come] = [0, 1];
const signal = new Int32Array(shared);
const problems: string[] = [];
for (let round = 1; round <= rounds; round += 1) {
  Atomics.add(signal, come, 1);
  while (Atomics.load(signal, begun) < round) Atomics.wait(signal, begun, round - 1);
  const dataDir = join(folder, String(round));
  try {
    await openLiveSqlite({ file: join(dataDir, liveFile), clock: systemClock }).close();
    await (await openDatabase({ dataDir })).destroy();
  } catch (error) {
    problems.push(String(error));
  }
}
parentPort?.postMessage(problems);
