import { minutes } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { ConsentsTable, Database } from '../store/tables.ts';
import { scopesInOrder } from './scopes.ts';

/**
 * Consents: what a person decided about an app, once, on any browser. Owns the table consents. The grants that the
 * engine works with are minted from it and live elsewhere; whoever removes a consent revokes those too: that is a verb.
 */
export type Consent = {
  accountId: string;
  clientId: string;
  /** Scopes allowed, and optional scopes the person was asked for and left out; no scope is in both. */
  allowed: string[];
  declined: string[];
  firstAllowedAt: number;
  changedAt: number;
  lastUsedAt: number;
};

type Pair = { accountId: string; clientId: string };

export async function findConsent({ db }: Pick<Services, 'db'>, pair: Pair): Promise<Consent | undefined> {
  const row = await findRow(db, pair);
  return row && toConsent(row);
}

/** The newest app first. */
export async function listConsents({ db }: Pick<Services, 'db'>, accountId: string): Promise<Consent[]> {
  const rows = await db
    .selectFrom('consents')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('first_allowed_at', 'desc')
    .orderBy('client_id')
    .execute();
  return rows.map(toConsent);
}

/**
 * Adds a decision to what was decided before. For each scope the newest decision counts; a scope this one says nothing
 * about keeps the older one. A scope in both lists was allowed.
 */
export async function recordConsent(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { allowed, declined, ...pair }: Pair & { allowed: readonly string[]; declined: readonly string[] },
): Promise<Consent> {
  const now = clock.now();
  // Compare and set: two pages answered at once are both kept, without a lock that only one of the stores has.
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const row = await findRow(db, pair);
    const merged = toColumns(mergeDecisions(row ? toConsent(row) : nothing, { allowed, declined }));
    const next = row
      ? await replaceRow(db, row, { ...row, ...merged, changed_at: now, last_used_at: now })
      : await insertRow(db, { ...newRow(pair, now), ...merged });
    if (next) return toConsent(next);
  }
  throw new Error('a consent kept changing while it was recorded');
}

type Decisions = { allowed: readonly string[]; declined: readonly string[] };

const nothing: Decisions = { allowed: [], declined: [] };

export function mergeDecisions(before: Decisions, now: Decisions): { allowed: string[]; declined: string[] } {
  const allowedNow = new Set(now.allowed);
  const declinedNow = new Set(now.declined).difference(allowedNow);
  const allowed = new Set(before.allowed).difference(declinedNow).union(allowedNow);
  const declined = new Set(before.declined).union(declinedNow).difference(allowed);
  return { allowed: inOrder(allowed), declined: inOrder(declined) };
}

/** Scopes of ours in the table's order, then any others (of resource servers) by name. */
function inOrder(names: Set<string>): string[] {
  const ours: string[] = scopesInOrder(names);
  return [...ours, ...[...names].filter((name) => !ours.includes(name)).sort()];
}

/** Answers whether there was one. */
export async function removeConsent({ db }: Pick<Services, 'db'>, pair: Pair): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('consents')
    .where('account_id', '=', pair.accountId)
    .where('client_id', '=', pair.clientId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/**
 * Of an app that is being removed: a portion at a time, for a million of them in one statement would keep everybody else from
 * the records, or be stopped for taking too long. Answers whether there are more.
 */
export async function removeSomeConsents({ db }: Pick<Services, 'db'>, clientId: string): Promise<boolean> {
  const ofApp = db.selectFrom('consents').select('account_id').where('client_id', '=', clientId);
  await db
    .deleteFrom('consents')
    .where('client_id', '=', clientId)
    .where('account_id', 'in', ofApp.limit(1000))
    .execute();
  return (await ofApp.limit(1).executeTakeFirst()) !== undefined;
}

/** Notes that the app uses its access. Writes at most once a minute for the pair: an app may refresh many times a second. */
export async function touchConsent({ db, clock }: Pick<Services, 'db' | 'clock'>, pair: Pair): Promise<void> {
  const now = clock.now();
  await db
    .updateTable('consents')
    .set({ last_used_at: now })
    .where('account_id', '=', pair.accountId)
    .where('client_id', '=', pair.clientId)
    .where('last_used_at', '<=', now - 1 * minutes)
    .execute();
}

function findRow(db: Database, { accountId, clientId }: Pair): Promise<ConsentsTable | undefined> {
  return db
    .selectFrom('consents')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('client_id', '=', clientId)
    .executeTakeFirst();
}

function newRow({ accountId, clientId }: Pair, now: number) {
  return {
    account_id: accountId,
    client_id: clientId,
    first_allowed_at: now,
    changed_at: now,
    last_used_at: now,
  };
}

async function insertRow(db: Database, row: ConsentsTable): Promise<ConsentsTable | undefined> {
  return await db
    .insertInto('consents')
    .values(row)
    .onConflict((conflict) => conflict.columns(['account_id', 'client_id']).doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** Writes only over what was read; undefined when somebody else wrote meanwhile. */
async function replaceRow(
  db: Database,
  read: ConsentsTable,
  next: ConsentsTable,
): Promise<ConsentsTable | undefined> {
  return await db
    .updateTable('consents')
    .set(next)
    .where('account_id', '=', read.account_id)
    .where('client_id', '=', read.client_id)
    .where('allowed_scopes', '=', read.allowed_scopes)
    .where('declined_scopes', '=', read.declined_scopes)
    .returningAll()
    .executeTakeFirst();
}

function toColumns({ allowed, declined }: Decisions) {
  return { allowed_scopes: JSON.stringify(allowed), declined_scopes: JSON.stringify(declined) };
}

function toConsent(row: ConsentsTable): Consent {
  return {
    accountId: row.account_id,
    clientId: row.client_id,
    allowed: JSON.parse(row.allowed_scopes),
    declined: JSON.parse(row.declined_scopes),
    firstAllowedAt: row.first_allowed_at,
    changedAt: row.changed_at,
    lastUsedAt: row.last_used_at,
  };
}
