import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { findProgram } from '../../test/support/servers.mjs';

/** Ends with this process however that ends, where setpriv exists; not even kill -9 leaves one behind. */
export function spawnGuarded(
  command: readonly [string, ...string[]],
  options: { env?: NodeJS.ProcessEnv; stdio: StdioOptions },
): ChildProcess {
  const guard = findProgram('setpriv');
  const [program, ...args] = guard ? [guard, '--pdeathsig', 'SIGKILL', '--', ...command] : command;
  return spawn(program as string, args as string[], options);
}
