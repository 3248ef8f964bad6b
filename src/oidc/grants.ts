import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import { dropGrant } from './grant-records.ts';
import { type GrantMember, layout, readGrantMember } from './live-layout.ts';
import type { StoredSession } from './stored-session.ts';

/** A grant that has not ended. `expiresAt` in epoch milliseconds. */
export type GrantSummary = GrantMember & { expiresAt: number };

export async function listGrants(
  { live }: Pick<Services, 'live'>,
  accountId: string,
): Promise<GrantSummary[]> {
  return liveGrants({ live }, layout.accountGrants(accountId));
}

/**
 * Ends grants of an account and with them every code and token issued from them, on every process at once, whatever
 * the app's grant types are today (engine facts 8). All of them, or those of one app, or all but those that the session
 * `exceptSession` works with. Answers how many ended.
 */
export async function revokeGrants(
  { live }: Pick<Services, 'live'>,
  { accountId, clientId, exceptSession }: { accountId: string; clientId?: string; exceptSession?: string },
): Promise<number> {
  const kept = exceptSession ? await grantsOfSession({ live }, exceptSession) : new Set<string>();
  const members = await live.members(layout.accountGrants(accountId));
  const ending = members
    .map(({ member }) => readGrantMember(member))
    .filter((grant) => clientId === undefined || grant.clientId === clientId)
    .filter((grant) => !kept.has(grant.grantId));
  return dropAll({ live }, ending);
}

/** Ends every grant of an app, of whomever: it was disabled or is about to be removed. */
export async function revokeClientGrants(
  { live }: Pick<Services, 'live'>,
  { clientId }: { clientId: string },
): Promise<number> {
  const members = await live.members(layout.clientGrants(clientId));
  return dropAll(
    { live },
    members.map(({ member }) => readGrantMember(member)),
  );
}

async function grantsOfSession({ live }: Pick<Services, 'live'>, uid: string): Promise<Set<string>> {
  const [entry] = await live.read([layout.session(uid)]);
  if (!entry) return new Set();
  const { authorizations = {} } = JSON.parse(entry.value) as StoredSession;
  return new Set(Object.values(authorizations).flatMap(({ grantId }) => grantId ?? []));
}

async function liveGrants({ live }: Pick<Services, 'live'>, index: LiveKey): Promise<GrantSummary[]> {
  const members = await live.members(index);
  const found = await Promise.all(
    members.map(async ({ member, expiresAt }) => {
      const grant = readGrantMember(member);
      const [entry] = await live.read([layout.grant(grant.grantId)]);
      return entry && { ...grant, expiresAt };
    }),
  );
  return found.filter((grant) => grant !== undefined);
}

/** In small batches: an app may have very many grants, and other requests want the store meanwhile. */
async function dropAll({ live }: Pick<Services, 'live'>, grants: readonly GrantMember[]): Promise<number> {
  let dropped = 0;
  for (let from = 0; from < grants.length; from += 100) {
    const batch = grants.slice(from, from + 100);
    const ended = await Promise.all(batch.map(({ grantId }) => dropGrant({ live }, grantId)));
    dropped += ended.filter(Boolean).length;
  }
  return dropped;
}
