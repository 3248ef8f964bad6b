import { Provider } from 'oidc-provider';
import type { LiveStep } from '../store/live.ts';

/**
 * What the adapter has read in the course of one request of the engine. It serves two ends: a second read of the same
 * grant costs nothing, and a write of a session can say what it is a change *of*, so that a session ended or changed
 * meanwhile is neither brought back nor overwritten (engine facts 4).
 */
export type RequestMemory = {
  /** Grants by id, as stored. */
  grants: Map<string, string>;
  /** Sessions by uid, as stored when read. */
  sessions: Map<string, string>;
  /** Steps that wait to be committed together when the engine has answered, and what is told after: unit-of-work.ts. */
  writes: LiveStep[];
  afterwards: (() => void)[];
  /** What a store's silence became, once one was silent. */
  outage?: Error;
};

const memories = new WeakMap<object, RequestMemory>();

/** Undefined outside the engine's routes: our own pages read afresh each time. */
export function requestMemory(): RequestMemory | undefined {
  const ctx = Provider.ctx;
  return ctx && memoryOf(ctx);
}

export function memoryOf(ctx: object): RequestMemory {
  const known = memories.get(ctx);
  if (known) return known;
  const fresh: RequestMemory = { grants: new Map(), sessions: new Map(), writes: [], afterwards: [] };
  memories.set(ctx, fresh);
  return fresh;
}
