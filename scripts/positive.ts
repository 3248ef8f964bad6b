import process from 'node:process';

/** A number above 0 from the command line; anything else ends the command with a sentence, for a run of nothing proves nothing. */
export function positive(option: string, given: string): number {
  const number = Number(given);
  if (Number.isFinite(number) && number > 0) return number;
  console.error(`--${option}: "${given}" is no number above 0.`);
  process.exit(1);
}
