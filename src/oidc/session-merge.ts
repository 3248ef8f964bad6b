import { isDeepStrictEqual } from 'node:util';
import type { StoredSession } from './stored-session.ts';

/**
 * Two requests of one browser changed one session at once: `base` is what this request read, `ours` what it makes of
 * it, `theirs` what stands there now. Field by field, and app by app within `authorizations`, what we changed is ours
 * and everything else is theirs. A grant that they gave an app meanwhile stays with all that was said of it: what was
 * decided last was decided there, and we had only something to say of the one before.
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
    withTheirGrants({ base, ours, theirs }),
    theirs.authorizations ?? {},
  );
  if (Object.keys(authorizations).length > 0)
    merged.authorizations = authorizations as NonNullable<StoredSession['authorizations']>;
  else delete merged.authorizations;
  return merged;
}

type Authorizations = NonNullable<StoredSession['authorizations']>;

function withTheirGrants({ base, ours, theirs }: Record<'base' | 'ours' | 'theirs', StoredSession>): object {
  const kept = Object.entries<Authorizations[string]>(ours.authorizations ?? {}).map(([clientId, mine]) => {
    const [before, now] = [base.authorizations?.[clientId], theirs.authorizations?.[clientId]];
    const isTheirs = now?.grantId !== before?.grantId && mine.grantId === before?.grantId;
    if (!now?.grantId || !isTheirs) return [clientId, mine];
    return [clientId, mine.persistsLogout ? { ...now, persistsLogout: true } : now];
  });
  return Object.fromEntries(kept);
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
