import { readFileSync } from 'node:fs';
import path from 'node:path';
import { QueueFull } from '../kit/bounded-queue.ts';
import { nearest } from '../kit/nearest.ts';
import { SettingsProblem } from '../settings.ts';
import { StoreUnavailable } from '../store/live.ts';
import type { Command, Desk, Problem, Reply } from './command.ts';
import { no, yes } from './command.ts';
import { commands, nameOf } from './commands.ts';
import { OperatorProblem } from './desk.ts';
import { readFlags } from './flags.ts';
import { commandHelp, nounHelp, overview } from './help.ts';

const packageFile = path.join(import.meta.dirname, '../../package.json');
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

/** Finds the command that `args` name and does it. Throws only what nobody foresaw. */
export async function runCommand(desk: Desk, args: readonly string[]): Promise<Reply> {
  const wantsHelp = args.some((arg) => arg === '--help' || arg === '-h');
  const words = args.filter((arg) => arg !== '--help' && arg !== '-h');
  const [noun, verb] = words;
  if (noun === '--version' || noun === 'version') return yes({ version }, [version]);
  if (noun === undefined || noun === 'help') return help(overview());
  const own = commands.filter((one) => one.noun === noun);
  const single = own.find((one) => one.verb === undefined);
  const command = single ?? own.find((one) => one.verb === verb);
  if (!command) return wantsHelp && own.length > 0 ? help(nounHelp(noun)) : unknownCommand(noun, verb, own);
  if (wantsHelp) return help(commandHelp(command));
  return perform(desk, command, words.slice(single ? 1 : 2));
}

async function perform(desk: Desk, command: Command, args: readonly string[]): Promise<Reply> {
  const { flags, problems } = readFlags(command, args);
  if (problems.length > 0) return no(...problems);
  try {
    return await command.invoke(desk, flags);
  } catch (error) {
    const foreseen = foreseenProblems(error);
    if (!foreseen) throw error;
    return no(...foreseen);
  }
}

/** What goes wrong outside of us is said in a sentence; undefined for what is our own mistake. */
function foreseenProblems(error: unknown): Problem[] | undefined {
  if (error instanceof SettingsProblem)
    return error.problems.map((line) => {
      const [name = '', ...rest] = line.split(': ');
      return { field: name, problem: rest.join(': ') };
    });
  if (error instanceof OperatorProblem) return [{ problem: error.message }];
  if (error instanceof StoreUnavailable)
    return [
      { problem: `${error.message}. Is it running, and is its address right? See \`latchkey doctor\`.` },
    ];
  if (error instanceof QueueFull) return [{ problem: 'Too much is waiting. Try again in a moment.' }];
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOTDIR')
    return [{ problem: `DATA_DIR cannot be used: ${code} at ${path}.` }];
  return undefined;
}

function help(lines: string[]): Reply {
  return yes({ help: lines.join('\n') }, lines);
}

function unknownCommand(noun: string, verb: string | undefined, own: readonly Command[]): Reply {
  if (own.length > 0) {
    const verbs = own.map((one) => one.verb ?? '');
    const meant = verb && nearest(verb, verbs);
    const said = verb === undefined ? `latchkey ${noun} needs a verb` : `There is no \`${noun} ${verb}\``;
    return no(`${said}. ${meant ? `Did you mean \`${noun} ${meant}\`?` : `Verbs: ${verbs.join(', ')}.`}`);
  }
  if (noun.startsWith('-')) return no('The command comes before its flags. See `latchkey --help`.');
  const typed = [noun, verb].filter((word) => word && !word.startsWith('-')).join(' ');
  const near = nearest(noun, [...new Set(commands.map((one) => one.noun))]);
  const whole = commands.find((one) => one.noun === near && (one.verb === undefined || one.verb === verb));
  const meant = whole ? nameOf(whole) : near;
  return no(`There is no \`${typed}\`. ${meant ? `Did you mean \`${meant}\`?` : 'See `latchkey --help`.'}`);
}
