import type { Command } from './command.ts';
import { commands, nameOf } from './commands.ts';
import { flagsOf } from './flags.ts';
import { table } from './lines.ts';

/** What `--help` prints at each level; the manual in docs/ is made of the same. */
export function overview(): string[] {
  return [
    'latchkey <noun> <verb> [--flags]',
    '',
    ...indented(table2(commands.map((one) => [nameOf(one), one.summary]))),
    '',
    'Everywhere: --json for machines, --help. Exit status 0, or 1 when something is wrong.',
    'Settings come from the environment: see `latchkey settings`.',
  ];
}

export function nounHelp(noun: string): string[] {
  const own = commands.filter((one) => one.noun === noun);
  return [
    `latchkey ${noun} <verb> [--flags]`,
    '',
    ...indented(table2(own.map((one) => [nameOf(one), one.summary]))),
  ];
}

export function commandHelp(command: Command): string[] {
  const flags = flagsOf(command);
  const word = flags.find((flag) => flag.name === command.word);
  const rows = flags.map((flag) => [
    `${flag.typed}${flag.kind === 'switch' ? '' : ' <value>'}`,
    [
      flag.required ? 'Required.' : '',
      flag.description,
      flag.kind === 'several' ? 'May be repeated.' : '',
      flag.choices.length > 0 && !flag.description.includes(flag.choices[0] ?? '')
        ? `One of ${flag.choices.join(', ')}.`
        : '',
    ]
      .filter(Boolean)
      .join(' '),
  ]);
  return [
    `latchkey ${nameOf(command)}${word ? ` <${word.typed.slice(2)}>` : ''}${flags.length > 0 ? ' [--flags]' : ''}`,
    '',
    command.summary,
    ...(rows.length > 0 ? ['', ...indented(table2(rows))] : []),
  ];
}

function table2(rows: string[][]): string[] {
  const [first, ...rest] = rows;
  return first ? table(first, rest) : [];
}

function indented(lines: string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
