/**
 * npm run faults: three servers behind nginx under a steady load while their stores and they themselves fail, and whether
 * everything that was acknowledged is still true afterwards.
 *
 *   npm run faults                                  every recipe in its short form, in about twenty minutes
 *   npm run faults -- --only F1,F4                  some of them
 *   npm run faults -- --minutes 3                   each up to three minutes long
 *   npm run faults -- --rate 40 --json FILE         operations a second, and the results as JSON
 *   npm run faults -- --keep FOLDER                 the ledgers into FOLDER
 *
 * Loopback only; every server is a child of this process, ends with it, and its data is removed. docs/reliability.md
 * says what the figures mean. It ends with 1 when something did not hold, or when a run proved nothing.
 */
import { writeFileSync } from 'node:fs';
import { chosen, folder, given, positive } from './arguments.ts';
import { perform, type Result } from './faults/recipe.ts';
import { controls, recipes } from './faults/recipes/all.ts';
import { linesOf, tableOf, verdictOf } from './faults/report.ts';

const values = given({
  only: { type: 'string' },
  minutes: { type: 'string', default: '1' },
  rate: { type: 'string', default: '30' },
  json: { type: 'string' },
  keep: { type: 'string' },
});

const all = [...recipes, ...controls];
const played = values.only ? chosen('only', values.only, all, ({ name }) => name) : recipes;
const keep = folder('keep', values.keep);
const effort = { rate: positive('rate', values.rate), length: positive('minutes', values.minutes) };
const results: Result[] = [];
for (const recipe of played) {
  const result = await perform(recipe, effort, { keep });
  for (const line of linesOf(result)) console.log(line);
  results.push(result);
}
console.log(`\n${tableOf(results)}`);
if (values.json) writeFileSync(values.json, JSON.stringify(results, undefined, 2));
process.exitCode = results.every((result) => verdictOf(result) === 'holds') ? 0 : 1;
