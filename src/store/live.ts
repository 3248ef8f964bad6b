/**
 * The live state: what is short-lived, hot or single-use. Sessions, interactions, grants, codes, tokens, replay marks,
 * counters, and the indexes that list them. One small port; two homes: SQLite (`live-sqlite.ts`) and Redis
 * (`live-redis.ts`). What a person decided, and accounts and apps, are records and live in the other store.
 *
 * Two rules make it safe to race and fit for a cluster:
 * - Everything that checks and then acts is ONE `commit`: all of its steps happen, or none.
 * - A key begins with its partition in braces, `{partition}:rest`. A commit or a read touches one partition only
 *   (Redis Cluster's hash tag); the embedded store checks the same, so that it cannot hide a mistake.
 */
export type LiveKey = `{${string}}:${string}`;

export type LiveEntry = {
  value: string;
  /** Who spent it, when it is single-use and spent: the `by` of the consume step that won. */
  consumedBy: string | undefined;
};

/**
 * One step of a commit; the comment says when it refuses the whole commit. A step sees what the steps before it did.
 * Times to live are in milliseconds, at least 1. An entry that was spent is still there until it expires.
 */
export type LiveStep =
  /** Creates or overwrites, unspent; never refuses. */
  | { do: 'put'; key: LiveKey; value: string; ttlMs: number }
  /** Creates; `exists` when it is there. */
  | { do: 'add'; key: LiveKey; value: string; ttlMs: number }
  /** Overwrites what was read as `expect`; `missing` when gone, `changed` when somebody else wrote meanwhile. Spent stays spent. */
  | { do: 'replace'; key: LiveKey; expect: string; value: string; ttlMs: number }
  /**
   * Spends a single-use entry; `missing` when gone, `consumed` when somebody else spent it. The same `by` may repeat: a
   * reply that was lost on the wire must not make an honest client look like a thief. `keepMs` shortens its life.
   */
  | { do: 'consume'; key: LiveKey; by: string; keepMs?: number }
  /** Only checks; `missing` when gone, and `consumed` when it is spent, by whomever, but has to be `unspent`. */
  | { do: 'require'; key: LiveKey; unspent?: true }
  /** Only checks; `changed` when it does not read `value`, spent or not. Undefined: when anything is there. */
  | { do: 'expect'; key: LiveKey; value: string | undefined }
  /** Removes; `missing` when it was not there, so of two racing takers one is told. */
  | { do: 'take'; key: LiveKey }
  /** Removes if there; never refuses. */
  | { do: 'delete'; key: LiveKey }
  /** Puts a member into an index until `expiresAt` (epoch ms); the index itself lives as long as its last member. */
  | { do: 'enlist'; key: LiveKey; member: string; expiresAt: number }
  | { do: 'strike'; key: LiveKey; member: string };

export type IndexMember = { member: string; expiresAt: number };
/** `next` is undefined with the last page. */
export type MemberPage = { members: IndexMember[]; next: string | undefined };
/** Of one page: no answer grows with the index (live-members.ts reads on). */
export const mostInPage = 500;

export type CommitRefusal = 'missing' | 'exists' | 'changed' | 'consumed';
/** `step` is the place (from 0) of the step that refused. */
export type CommitResult = { ok: true } | { ok: false; reason: CommitRefusal; step: number };

export interface LiveStore {
  /** All keys of one partition; answers in their order. Expired entries are undefined. */
  read(keys: readonly LiveKey[]): Promise<(LiveEntry | undefined)[]>;
  /**
   * `until`: when the time of its caller is over, as performance.now() counts. A commit that comes to the store later than that is
   * refused there with StoreUnavailable, also where nobody waits for it any more.
   */
  commit(steps: readonly LiveStep[], within?: { until?: number }): Promise<CommitResult>;
  /**
   * One page of the members of an index that have not expired, in an order of the home's own. The next one begins at `next`.
   * Whoever stays in the index all the while is met, whoever else comes and goes; only who is moved to an earlier end may not be.
   */
  members(key: LiveKey, from?: string): Promise<MemberPage>;
  /**
   * Adds `amount` to a counter that starts when first counted and ends `windowMs` later; one atomic step. Amount 0
   * reads without counting, a negative one takes back (never below 0, never starting a window). What would make it more
   * than `most` is not counted, and `over` says so. Answers the count after adding and the time until the window ends, 0
   * when none runs.
   */
  count(
    key: LiveKey,
    windowMs: number,
    amount: number,
    most?: number,
  ): Promise<{ count: number; resetMs: number; over: boolean }>;
  /** Within which each call is answered, or rejected with StoreUnavailable. */
  readonly timeoutMs: number;
  /** Resolves when the store answers, rejects with StoreUnavailable in time when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Thrown by either store when it does not answer in time. The answer is 503 with Retry-After, never a hang. `isKept`: of a transaction
 * that may have been kept, whether it was, once the store answers (and this again until then); of one without it nothing was.
 */
export class StoreUnavailable extends Error {
  readonly isKept?: () => Promise<boolean>;
  constructor(
    store: 'records' | 'live',
    cause: unknown,
    { isKept }: { isKept?: () => Promise<boolean> } = {},
  ) {
    super(`the ${store} store does not answer`, { cause });
    this.name = 'StoreUnavailable';
    if (isKept) this.isKept = isKept;
  }
}

/** The partition of a key: what stands between its first braces. Throws on a key without one. */
export function partitionOf(key: string): string {
  const end = key.indexOf('}:');
  if (!key.startsWith('{') || end < 2) throw new Error(`a live key needs a partition in braces: ${key}`);
  return key.slice(1, end);
}

/** The partition that all keys share; a commit or a read over two would work on one server and fail on a cluster. */
export function onePartition(keys: readonly string[]): void {
  const [first] = keys;
  if (first === undefined) return;
  const shared = `{${partitionOf(first)}}:`;
  if (keys.every((key) => key.startsWith(shared))) return;
  const partitions = new Set(keys.map(partitionOf));
  if (partitions.size > 1) throw new Error(`one partition at a time, not ${[...partitions].join(' and ')}`);
}

/** Throws on steps that no home can take: mistakes of the caller, found the same way on each. */
export function checkSteps(steps: readonly LiveStep[]): void {
  onePartition(steps.map((step) => step.key));
  for (const step of steps) {
    const lifetime = 'ttlMs' in step ? step.ttlMs : step.do === 'consume' ? step.keepMs : undefined;
    if (lifetime !== undefined && !(Number.isFinite(lifetime) && lifetime >= 1))
      throw new Error(`a time to live of ${lifetime} ms, at ${step.do} ${step.key}`);
    // The Redis home keeps `by` on a line of its own before the value.
    if (step.do === 'consume' && (step.by === '' || step.by.includes('\n')))
      throw new Error(`\`by\` must be one line, at ${step.key}`);
  }
}
