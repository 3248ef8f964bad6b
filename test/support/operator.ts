import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Reply } from '../../src/operator/command.ts';
import { openDesk } from '../../src/operator/desk.ts';
import { runCommand } from '../../src/operator/run-command.ts';
import { testFolder } from './stores.ts';

/** The command line as an operator has it: a process of its own, on a folder of its own. */
export const folder = testFolder();
export const dataDir = join(folder.path, 'data');
const program = resolve('bin/latchkey.mjs');

type Answer = { status: number | null; stdout: string; stderr: string };

export async function latchkey(
  args: string[],
  { stdin = '', env = {} }: { stdin?: string | Buffer; env?: Record<string, string> } = {},
): Promise<Answer> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder.path, DATA_DIR: dataDir, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const answer: Answer = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    answer.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    answer.stderr += text;
  });
  child.stdin.end(stdin);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status) => done({ ...answer, status }));
  });
}

/** The same within this process, which is quicker: only src/cli.ts, which prints, is left out. */
async function inProcess(args: string[], stdin = ''): Promise<Reply> {
  const desk = openDesk({
    environment: { DATA_DIR: dataDir },
    stdin: Readable.from([stdin]) as unknown as NodeJS.ReadStream,
    stderr: process.stderr,
    serve: async () => {},
  });
  return runCommand(desk, args).finally(() => desk.close());
}

// biome-ignore lint/suspicious/noExplicitAny: what a command answers is looked at, not used
export async function json(args: string[], { stdin }: { stdin?: string } = {}): Promise<any> {
  const reply = await inProcess(args, stdin);
  if (!reply.ok || reply.failed) throw new Error(`${args.join(' ')}: ${JSON.stringify(reply)}`);
  return JSON.parse(JSON.stringify(reply.data));
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export async function jsonOfProcess(args: string[], options?: { stdin?: string }): Promise<any> {
  const answer = await latchkey([...args, '--json'], options);
  if (answer.status !== 0) throw new Error(`${args.join(' ')}: ${answer.stdout}${answer.stderr}`);
  return JSON.parse(answer.stdout);
}

export async function refusal(args: string[], stdin?: string): Promise<string> {
  const reply = await inProcess(args, stdin);
  return reply.ok ? '' : reply.problems.map(({ field, problem }) => `${field ?? ''} ${problem}`).join('\n');
}
