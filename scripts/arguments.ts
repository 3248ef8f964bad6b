import { mkdirSync } from 'node:fs';
import process from 'node:process';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What commands are told to do. What cannot be done ends the command with a sentence, for a run of nothing proves nothing. */

/** The options that were given, by node:util's own description of them. */
export function given<const Options extends NonNullable<ParseArgsConfig['options']>>(options: Options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    return refuse(`${(error as Error).message}\nThere are: ${names.join(', ')}.`);
  }
}

/** A number above 0. */
export function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  return refuse(`--${option}: "${text}" is no number above 0.`);
}

/** Those of a list with commas, in their own order; without a list, all. */
export function chosen<Item>(
  option: string,
  list: string | undefined,
  all: readonly Item[],
  nameOf: (item: Item) => string,
): Item[] {
  const wanted = list?.split(',').map((name) => name.trim());
  const unknown = wanted?.filter((name) => !all.some((item) => nameOf(item) === name)) ?? [];
  if (unknown.length > 0)
    refuse(`--${option}: no "${unknown.join('", no "')}". There are: ${all.map(nameOf).join(', ')}.`);
  return all.filter((item) => !wanted || wanted.includes(nameOf(item)));
}

/** A folder to write into, made where there is none. */
export function folder(option: string, path: string | undefined): string | undefined {
  try {
    if (path !== undefined) mkdirSync(path, { recursive: true });
    return path;
  } catch (error) {
    return refuse(`--${option}: ${path} is no folder to write into (${(error as Error).message}).`);
  }
}

export function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
