import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { findProgram, freePort } from './servers.mjs';
import { untilWorks } from './timing.ts';
import type { World } from './world.ts';

const program = path.resolve(import.meta.dirname, '../../bin/latchkey.mjs');

/**
 * A server on the stores of this world, as a process of its own: nothing that one of them remembers is known to the other, and
 * `kill` (SIGKILL) takes away all that it had in mind. Its clock is the machine's, which the tests do not move.
 */
export async function startProcessBeside({
  environment,
}: World): Promise<{ port: number; kill(): Promise<void> }> {
  const port = await freePort();
  // Where setpriv is, the kernel ends it with us, however we end.
  const guard = findProgram('setpriv');
  const command = [process.execPath, program, 'start'];
  const [file = '', ...rest] = guard ? [guard, '--pdeathsig', 'SIGKILL', '--', ...command] : command;
  const env = { PATH: process.env['PATH'], ...environment, PORT: String(port) };
  const child = spawn(file, rest, { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await untilWorks(60_000, async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${child.exitCode}`);
      if (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok) throw new Error('it is not ready');
    });
  } catch (problem) {
    await kill();
    throw problem;
  }
  return { port, kill };
}
