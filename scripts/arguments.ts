import process from 'node:process';

/** What commands are told to do. What cannot be done ends the command with a sentence, for a run of nothing proves nothing. */

/** A number above 0. */
export function positive(option: string, given: string): number {
  const number = Number(given);
  if (Number.isFinite(number) && number > 0) return number;
  return refuse(`--${option}: "${given}" is no number above 0.`);
}

/** Those of a list with commas, in their own order; without a list, all. */
export function chosen<Item>(
  option: string,
  given: string | undefined,
  all: readonly Item[],
  nameOf: (item: Item) => string,
): Item[] {
  const wanted = given?.split(',').map((name) => name.trim());
  const unknown = wanted?.filter((name) => !all.some((item) => nameOf(item) === name)) ?? [];
  if (unknown.length > 0)
    refuse(`--${option}: no "${unknown.join('", no "')}". There are: ${all.map(nameOf).join(', ')}.`);
  return all.filter((item) => !wanted || wanted.includes(nameOf(item)));
}

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
