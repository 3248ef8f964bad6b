import { parseArgs } from 'node:util';
import { z } from 'zod';
import { nearest } from '../kit/nearest.ts';
import type { Command, Problem } from './command.ts';
import { flagName } from './command.ts';

/** How a flag is typed, read from its schema: the manual and the parser must not disagree. */
export type Flag = {
  name: string;
  typed: string;
  kind: 'switch' | 'text' | 'several';
  required: boolean;
  description: string;
  choices: string[];
};

export function flagsOf(command: Command): Flag[] {
  return Object.entries(command.flags.shape).map(([name, schema]) => {
    const inner = unwrapped(schema as z.ZodType);
    return {
      name,
      typed: flagName(name),
      kind: inner instanceof z.ZodBoolean ? 'switch' : inner instanceof z.ZodArray ? 'several' : 'text',
      required: !(schema as z.ZodType).safeParse(undefined).success,
      description: (schema as z.ZodType).meta()?.description ?? '',
      choices: inner instanceof z.ZodEnum ? inner.options.map(String) : [],
    };
  });
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return unwrapped(schema.unwrap() as z.ZodType);
  return schema;
}

/** Reads what stands after the command's name. All problems are told together. */
export function readFlags(
  command: Command,
  args: readonly string[],
): { flags: Record<string, unknown>; problems: Problem[] } {
  const known = flagsOf(command);
  const options = Object.fromEntries(
    known.map((flag) => [
      flag.typed.slice(2),
      {
        type: flag.kind === 'switch' ? ('boolean' as const) : ('string' as const),
        multiple: flag.kind === 'several',
      },
    ]),
  );
  const { tokens } = parseArgs({
    args: args.map((arg) =>
      isIdLike(arg) && command.word ? `${flagName(command.word)}=${arg}` : byItsName(command, known, arg),
    ),
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
    allowNegative: true,
  });
  const flags: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    const problem =
      token.kind === 'positional' ? takeWord(command, token.value, flags) : takeFlag(known, token, flags);
    // The word after a flag that nobody knows was its value.
    if (problem && (problem.field !== undefined || problems.length === 0)) problems.push(problem);
  }
  return { flags, problems };
}

/** Ids of the engine's may begin with a dash. No flag of ours is one dash, and none has a capital letter or a digit. */
function isIdLike(arg: string): boolean {
  return /^-[\w-]{19,}$/.test(arg) && (!arg.startsWith('--') || /[A-Z0-9]/.test(arg));
}

/** Other ways to write a flag: a list is given once for each entry, so its singular reads better (--redirect-uri). */
function byItsName(command: Command, known: Flag[], arg: string): string {
  const [typed = '', ...value] = arg.split('=');
  if (!typed.startsWith('--') || known.some((flag) => flag.typed === typed)) return arg;
  const plural = known.find((flag) => flag.kind === 'several' && flag.typed === `${typed}s`)?.typed;
  const alias = command.aliases[typed.slice(2)];
  return [plural ?? (alias ? flagName(alias) : typed), ...value].join('=');
}

function takeWord(command: Command, value: string, flags: Record<string, unknown>): Problem | undefined {
  if (!command.word) return { problem: `"${value}" is too much: this command takes flags only.` };
  if (flags[command.word] !== undefined) return { problem: `"${value}" is one word too many.` };
  flags[command.word] = value;
  return undefined;
}

type OptionToken = {
  name: string;
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
};

function takeFlag(known: Flag[], token: OptionToken, flags: Record<string, unknown>): Problem | undefined {
  const negated = token.rawName.startsWith('--no-') && !known.some((f) => f.typed === token.rawName);
  const typed = negated ? `--${token.rawName.slice(5)}` : token.rawName;
  const flag = known.find((candidate) => candidate.typed === typed);
  if (!flag || (negated && flag.kind !== 'switch')) return unknownFlag(known, token.rawName);
  if (flag.kind === 'switch') {
    if (token.value !== undefined)
      return { field: typed, problem: `takes no value. Write ${typed} or --no-${typed.slice(2)}.` };
    flags[flag.name] = !negated;
    return undefined;
  }
  if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))
    return { field: typed, problem: `needs a value, such as ${typed}=something.` };
  if (flag.kind === 'several') flags[flag.name] = [...((flags[flag.name] as string[]) ?? []), token.value];
  else if (flags[flag.name] !== undefined) return { field: typed, problem: 'is given twice. Keep one.' };
  else flags[flag.name] = token.value;
  return undefined;
}

function unknownFlag(known: Flag[], typed: string): Problem {
  const files = known.filter((flag) => flag.typed.endsWith('-file')).map((flag) => flag.typed);
  // Arguments stand in the process list and in the shell's history.
  if (/pass|secret/.test(typed))
    return {
      field: typed,
      problem: `is not a flag: secrets are never arguments.${files.length > 0 ? ` Use standard input or ${files.join(' or ')}.` : ''}`,
    };
  const meant = nearest(
    typed,
    known.map((flag) => flag.typed),
  );
  return {
    field: typed,
    problem: `is not a flag of this command.${meant ? ` Did you mean ${meant}?` : ' See --help.'}`,
  };
}
