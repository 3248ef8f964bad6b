import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text as readAll, buffer as readAllBytes } from 'node:stream/consumers';
import type { OpenServices } from '../services.ts';
import { openServices } from '../services.ts';
import type { Settings } from '../settings.ts';
import { readSettings } from '../settings.ts';
import type { Log } from '../web/log.ts';
import type { Desk } from './command.ts';

/** What an operator is told in one sentence and without a stack: their file, their input. */
export class OperatorProblem extends Error {
  override readonly name = 'OperatorProblem';
}

/** A desk on this process: its environment and standard input. Close it when the command is done. */
export function openDesk({
  environment,
  stdin,
  stderr,
  serve,
}: {
  environment: Record<string, string | undefined>;
  stdin: NodeJS.ReadStream;
  stderr: NodeJS.WriteStream;
  serve: () => Promise<void>;
}): Desk & { close(): Promise<void> } {
  let settings: Settings | undefined;
  let opened: Promise<OpenServices> | undefined;
  const desk: Desk & { close(): Promise<void> } = {
    environment,
    settings() {
      settings ??= readSettings(environment);
      return settings;
    },
    services() {
      opened ??= openServices(desk.settings(), { log: logTo(stderr) });
      return opened;
    },
    async readSecret(what, file) {
      if (file !== undefined && file !== '-') return withoutLineBreak(readFile(file).toString());
      if (stdin.isTTY) return askHidden(what, stdin, stderr);
      const patience = setTimeout(() => stderr.write(`Waiting for the ${what} on standard input.\n`), 2000);
      return withoutLineBreak(await readAll(stdin).finally(() => clearTimeout(patience)));
    },
    async readText(file) {
      return file === '-' ? readAll(stdin) : readFile(file).toString();
    },
    async readBytes(file) {
      return file === '-' ? readAllBytes(stdin) : readFile(file);
    },
    serve,
    async close() {
      const services = await opened?.catch(() => undefined);
      await services?.close();
    },
  };
  return desk;
}

/** Standard output is the command's answer, so only what the operator should know is said, beside it. */
function logTo(stderr: NodeJS.WriteStream): Log {
  const nothing = () => {};
  return {
    debug: nothing,
    info: nothing,
    warn: (_members, sentence) => stderr.write(`note: ${sentence}\n`),
    // Whatever is logged as an error is also thrown, and told by the command.
    error: nothing,
  };
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EACCES: 'you may not read it', EISDIR: 'it is a folder' };
    throw new OperatorProblem(`${file}: ${why[code as keyof typeof why] ?? code}.`);
  }
}

/** Editors and `echo` end a line; a password that ends in a line break cannot be typed. */
function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

async function askHidden(
  what: string,
  stdin: NodeJS.ReadStream,
  stderr: NodeJS.WriteStream,
): Promise<string> {
  stderr.write(`${what}: `);
  const mute = new Writable({ write: (_chunk, _encoding, next) => next() });
  const lines = createInterface({ input: stdin, output: mute, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(new OperatorProblem(`No ${what} was given.`)));
    });
  } finally {
    lines.removeAllListeners('close');
    lines.close();
    stderr.write('\n');
  }
}
