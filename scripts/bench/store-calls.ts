import { Server, type ServerResponse } from 'node:http';
import { StatementSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import pg from 'pg';

/**
 * Counts what a server asks of its stores, at the drivers, so that it holds for any code above them. A round trip is a
 * time of waiting: calls that are under way together are one. What is not back when the answer leaves was not waited
 * for (the audit record of a token) and is no round trip, but stands among the calls. Count one request at a time.
 */
export type StoreCalls = { requests: number; roundTrips: number; redis: number; sql: number };

let counting = false;
let calls: StoreCalls = { requests: 0, roundTrips: 0, redis: 0, sql: 0 };
let underWay = 0;
let answering = false;

export function startCounting(): void {
  calls = { requests: 0, roundTrips: 0, redis: 0, sql: 0 };
  counting = true;
}

export function stopCounting(): StoreCalls {
  counting = false;
  return calls;
}

/** Before the server opens its stores. */
export function watchStores(): void {
  watchRequests();
  watchMethod(Redis.prototype, 'sendCommand', 'redis');
  watchMethod(pg.Client.prototype, 'query', 'sql');
  for (const name of ['run', 'get', 'all'] as const) watchStatements(name);
}

function begin(kind: 'redis' | 'sql'): () => void {
  calls[kind] += 1;
  underWay += 1;
  let over = false;
  return () => {
    if (over) return;
    over = true;
    underWay -= 1;
    if (underWay === 0 && answering && counting) calls.roundTrips += 1;
  };
}

type Patched = Record<string, (...args: never[]) => unknown>;

function watchMethod(prototype: object, name: string, kind: 'redis' | 'sql'): void {
  const methods = prototype as Patched;
  const method = methods[name] as (...args: unknown[]) => unknown;
  methods[name] = function (this: unknown, ...args: unknown[]) {
    if (!counting) return method.apply(this, args);
    const end = begin(kind);
    const result = method.apply(this, args);
    Promise.resolve(result).then(end, end);
    return result;
  };
}

let inOneGo = false;

/** An embedded store answers at once: the statements of one synchronous piece of work are one trip. */
function watchStatements(name: 'run' | 'get' | 'all'): void {
  const methods = StatementSync.prototype as unknown as Patched;
  const method = methods[name] as (...args: unknown[]) => unknown;
  methods[name] = function (this: unknown, ...args: unknown[]) {
    if (counting) {
      calls.sql += 1;
      if (!inOneGo && answering) calls.roundTrips += 1;
      inOneGo = true;
      queueMicrotask(() => {
        inOneGo = false;
      });
    }
    return method.apply(this, args);
  };
}

function watchRequests(): void {
  const methods = Server.prototype as unknown as Patched;
  const emit = methods['emit'] as (...args: unknown[]) => unknown;
  methods['emit'] = function (this: unknown, ...args: unknown[]) {
    if (counting && args[0] === 'request') watchAnswer(args[2] as ServerResponse);
    return emit.apply(this, args);
  };
}

function watchAnswer(response: ServerResponse): void {
  calls.requests += 1;
  answering = true;
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = ((...args: unknown[]) => {
    answering = false;
    return end(...args);
  }) as ServerResponse['end'];
}
