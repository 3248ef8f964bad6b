import { isDeepStrictEqual } from 'node:util';
import type { StoredSession } from './stored-session.ts';

/**
 * Two requests of one browser changed one session at once: `base` is what this request read, `ours` what it makes of
 * it, `theirs` what stands there now. Field by field, and app by app within `authorizations`, what we changed is ours
 * and everything else is theirs.
 */
export function mergeSessions({
  base,
  ours,
  theirs,
}: {
  base: StoredSession;
  ours: StoredSession;
  theirs: StoredSession;
}): StoredSession {
  const merged = mergeMembers(base, ours, theirs) as StoredSession;
  const authorizations = mergeMembers(
    base.authorizations ?? {},
    ours.authorizations ?? {},
    theirs.authorizations ?? {},
  );
  if (Object.keys(authorizations).length > 0)
    merged.authorizations = authorizations as NonNullable<StoredSession['authorizations']>;
  else delete merged.authorizations;
  return merged;
}

function mergeMembers(base: object, ours: object, theirs: object): Record<string, unknown> {
  const [before, mine, other] = [base, ours, theirs] as Record<string, unknown>[];
  const names = new Set([...Object.keys(mine ?? {}), ...Object.keys(other ?? {})]);
  const merged: Record<string, unknown> = {};
  for (const name of names) {
    const changed = !isDeepStrictEqual(before?.[name], mine?.[name]);
    const value = changed ? mine?.[name] : other?.[name];
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}
