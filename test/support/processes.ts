import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type StoreProcess = {
  child: ChildProcess;
  /** What it said so far, line by line. */
  lines: string[];
  /** Resolves with its exit code, null when a signal ended it. Rejects with what it complained of, if it failed. */
  ended: Promise<number | null>;
};

/** Runs support/store-process.ts as a real process. */
export function runStoreProcess(what: string, folder: string, howMany = 0): StoreProcess {
  const script = join(import.meta.dirname, 'store-process.ts');
  const child = spawn(process.execPath, [script, what, folder, String(howMany)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (text) => {
    complaint += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code ? reject(new Error(complaint)) : resolve(code)));
  });
  return { child, lines, ended };
}
