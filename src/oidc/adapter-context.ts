import type { Services } from '../services.ts';

/** What the records of the engine are kept with. */
export type AdapterContext = Pick<Services, 'db' | 'live' | 'clock' | 'log'>;

/** Milliseconds. The engine counts in seconds and may pass a fraction; a record of ours always has an end, and at least a second. */
export function timeToLive(expiresIn: number | undefined, model: string): number {
  if (expiresIn === undefined)
    throw new Error(`${model} must have an end: every key of the live state has one`);
  return Math.max(1, Math.floor(expiresIn)) * 1000;
}
