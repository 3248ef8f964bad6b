import type { Asker } from './asking.ts';
import type { Bed } from './bed.ts';
import type { Crowd } from './crowd.ts';
import type { Findings } from './findings.ts';
import type { Ledger } from './ledger.ts';

/** What a recipe plays on: the servers, the people, and who writes down what happened. */
export type Stage = {
  bed: Bed;
  crowd: Crowd;
  asker: Asker;
  ledger: Ledger;
  findings: Findings;
  /** Chooses the load, the same for each run of a recipe. 0 <= n < 1. */
  random(): number;
  /** When everything is being taken down. */
  over: AbortSignal;
};
