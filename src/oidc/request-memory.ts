import type { IncomingMessage } from 'node:http';
import type { errors } from 'oidc-provider';
import type { Spent } from '../store/in-doubt.ts';
import type { LiveEntry, LiveKey, LiveStep } from '../store/live.ts';
import { currentContext } from './engine-context.ts';
import type { Rotation } from './rotation.ts';
import type { SessionRead } from './session-secret.ts';
import type { StoredGrant } from './stored-grant.ts';
import type { Found } from './token-records.ts';

/**
 * What the adapter has read in the course of one request of the engine. It serves two ends: a second read of the same
 * grant costs nothing, and a write of a session can say what it is a change *of*, so that a session ended or changed
 * meanwhile is neither brought back nor overwritten (engine facts 4).
 */
export type RequestMemory = {
  /** Grants by id, and the text they were read from. */
  grants: Map<string, { value: string; grant: StoredGrant }>;
  /** Codes and tokens that were looked for, found or not: whoever asks a second time in one request gets the same. */
  looked: Map<LiveKey, Found | undefined>;
  /** Sessions by uid, as they were when read. */
  sessions: Map<string, SessionRead>;
  /** The session as it is being read already. */
  ahead?: { uid: string; reading: Promise<(LiveEntry | undefined)[]> };
  /** What belongs to no grant (live-layout.ts) and was asked for last. */
  lone?: { key: LiveKey; reading: Promise<(LiveEntry | undefined)[]> };
  /** Grants that this request made. */
  minted: Set<string>;
  /** The refresh token that was presented: rotation.ts. */
  rotation?: Rotation;
  /** The key or certificate that the access token of this request is bound to (RFC 9449, RFC 8705), whatever its form. */
  sender?: string;
  /** Names the request in what it spends: token-records.ts. */
  name?: string;
  /** Why the engine refused. */
  refusal?: errors.OIDCProviderError;
  /** Steps that wait to be committed together when the engine has answered, and what else is then done: unit-of-work.ts. */
  writes: LiveStep[];
  works: (() => Promise<void>)[];
  /** What this request used up that lies alone: an interaction, a pushed request. */
  spent: Spent[];
  /** What is told after all was kept. */
  afterwards: (() => void)[];
  /** What a store's silence became, once one was silent. */
  outage?: Error;
};

/** On the context itself: a table of contexts that come and go by the thousand costs the garbage collector more. */
const ofRequest = Symbol('request memory');
type Remembering = { [ofRequest]?: RequestMemory };

/** Undefined outside the engine's routes: our own pages read afresh each time. */
export function requestMemory(): RequestMemory | undefined {
  const ctx = currentContext();
  return ctx && memoryOf(ctx);
}

export function memoryOf(ctx: object): RequestMemory {
  const remembering = ctx as Remembering;
  remembering[ofRequest] ??= newMemory();
  return remembering[ofRequest];
}

type Read = Pick<RequestMemory, 'grants' | 'looked' | 'lone' | 'outage'>;
const handedOn = new WeakMap<IncomingMessage, Read>();

/** What was read for a request that goes on to the engine (direct/), which then need not read it again. */
export function handOn(ctx: { req: IncomingMessage }): undefined {
  handedOn.set(ctx.req, memoryOf(ctx));
}

/** A store was silent until the time of this request was used up: the engine asks none again (unavailable.ts). */
export function handOnOutage(req: IncomingMessage, outage: Error): void {
  handedOn.set(req, { grants: new Map(), looked: new Map(), outage });
}

export function takeOver(ctx: { req: IncomingMessage }): void {
  const read = handedOn.get(ctx.req);
  if (!read) return;
  const { grants, looked, lone, outage } = read;
  Object.assign(memoryOf(ctx), { grants, looked }, lone && { lone }, outage && { outage });
}

function newMemory(): RequestMemory {
  return {
    grants: new Map(),
    looked: new Map(),
    sessions: new Map(),
    minted: new Set(),
    writes: [],
    works: [],
    spent: [],
    afterwards: [],
  };
}
