import type { Selectable } from 'kysely';
import type { Outcome } from '../../../src/kit/outcome.ts';
import { refused } from '../../../src/kit/outcome.ts';
import type { Services } from '../../../src/services.ts';
import type { ApisTable } from '../../../src/store/client-tables.ts';
import type { Database } from '../../../src/store/tables.ts';
import { bumpVersion } from '../../../src/store/versions.ts';
import type { FieldProblem } from '../problems.ts';
import { fieldProblems } from '../problems.ts';
import { type ApiMembers, apiIdentifier, apiMembers } from './members.ts';

/**
 * The APIs that apps get access tokens for, found by the identifier that apps name as `resource` (RFC 8707) and that
 * stands in a token as `aud`. Owns the table `apis`. Which app may use which API stands with the app (`resources`).
 */
export type Api = ApiMembers & { identifier: string; createdAt: number; updatedAt: number };

type Context = Pick<Services, 'db' | 'clock'>;
type NotAccepted = { ok: false; reason: 'not_accepted'; problems: FieldProblem[] };

export async function findApi({ db }: { db: Database }, identifier: string): Promise<Api | undefined> {
  const row = await db.selectFrom('apis').selectAll().where('identifier', '=', identifier).executeTakeFirst();
  return row && toApi(row);
}

export async function listApis({ db }: { db: Database }): Promise<Api[]> {
  const rows = await db.selectFrom('apis').selectAll().orderBy('identifier').execute();
  return rows.map(toApi);
}

/** Without writing: for those that look at many before they write the first. */
export function checkApi(
  given: unknown,
): { ok: true; identifier: string; members: ApiMembers } | NotAccepted {
  const { identifier, ...rest } = (typeof given === 'object' && given !== null ? given : {}) as Record<
    string,
    unknown
  >;
  const [named, parsed] = [apiIdentifier.safeParse(identifier), apiMembers.safeParse(rest)];
  if (named.success && parsed.success) return { ok: true, identifier: named.data, members: parsed.data };
  const problems = [
    ...(named.success
      ? []
      : fieldProblems(named.error).map(({ problem }) => ({ field: 'identifier', problem }))),
    ...(parsed.success ? [] : fieldProblems(parsed.error)),
  ];
  return { ok: false, reason: 'not_accepted', problems };
}

export async function addApi(
  { db, clock }: Context,
  given: unknown,
): Promise<{ ok: true; api: Api } | NotAccepted | { ok: false; reason: 'identifier_taken' }> {
  const checked = checkApi(given);
  if (!checked.ok) return checked;
  const { identifier, members } = checked;
  const now = clock.now();
  const { numInsertedOrUpdatedRows } = await written(db, (tx) =>
    tx
      .insertInto('apis')
      .values({ identifier, members: JSON.stringify(members), created_at: now, updated_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst(),
  );
  if (numInsertedOrUpdatedRows !== 1n) return refused('identifier_taken');
  return { ok: true, api: { ...members, identifier, createdAt: now, updatedAt: now } };
}

/** Puts `members` in the place of what it was; its identifier is for ever, for it stands in tokens and decisions. */
export async function changeApi(
  { db, clock }: Context,
  { identifier, members }: { identifier: string; members: object },
): Promise<{ ok: true; api: Api; changed: boolean } | NotAccepted | { ok: false; reason: 'unknown_api' }> {
  const before = await findApi({ db }, identifier);
  if (!before) return refused('unknown_api');
  const checked = checkApi({ ...members, identifier });
  if (!checked.ok) return checked;
  const { createdAt, updatedAt, identifier: _identifier, ...known } = before;
  const text = JSON.stringify(checked.members);
  if (text === JSON.stringify(known)) return { ok: true, api: before, changed: false };
  const now = clock.now();
  await written(db, (tx) =>
    tx
      .updateTable('apis')
      .set({ members: text, updated_at: now })
      .where('identifier', '=', identifier)
      .execute(),
  );
  return { ok: true, api: { ...checked.members, identifier, createdAt, updatedAt: now }, changed: true };
}

export async function removeApi(
  { db }: { db: Database },
  identifier: string,
): Promise<Outcome<object, 'unknown_api'>> {
  const { numDeletedRows } = await written(db, (tx) =>
    tx.deleteFrom('apis').where('identifier', '=', identifier).executeTakeFirst(),
  );
  return numDeletedRows > 0n ? { ok: true } : refused('unknown_api');
}

/** The engine is told what kinds of details there are when it is made: it is made anew (src/oidc/engine.ts). */
function written<Result>(db: Database, write: (tx: Database) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(async (tx) => {
    const result = await write(tx);
    await bumpVersion(tx, 'apis');
    return result;
  });
}

function toApi({ identifier, members, created_at, updated_at }: Selectable<ApisTable>): Api {
  return {
    ...(JSON.parse(members) as ApiMembers),
    identifier,
    createdAt: created_at,
    updatedAt: updated_at,
  };
}
