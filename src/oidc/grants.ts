import type { Services } from '../services.ts';
import { endGrant } from './end-grants.ts';
import { closeIndex } from './endings.ts';
import { fromAccountIndex, fromClientIndex, type GrantMember, layout } from './live-layout.ts';
import { readSession } from './record-forms.ts';
import { grantsOf } from './session-ending.ts';

/** A grant that has not ended. `expiresAt` in epoch milliseconds. */
export type GrantSummary = Omit<GrantMember, 'session'> & { expiresAt: number };

export async function listGrants(
  { live }: Pick<Services, 'live'>,
  accountId: string,
): Promise<GrantSummary[]> {
  const members = await live.members(layout.accountGrants(accountId));
  const found = await Promise.all(
    members.map(async ({ member, expiresAt }) => {
      const { session: _session, ...grant } = fromAccountIndex(accountId, member);
      const [entry] = await live.read([layout.grant(grant.grantId)]);
      return entry && { ...grant, expiresAt };
    }),
  );
  return found.filter((grant) => grant !== undefined);
}

/**
 * Ends grants of an account and with them every code and token issued from them, on every process at once, whatever
 * the app's grant types are today (engine facts 8). All of them, or those of one app, or all but those that the session
 * `exceptSession` works with. Answers how many ended.
 */
export async function revokeGrants(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  { accountId, clientId, exceptSession }: { accountId: string; clientId?: string; exceptSession?: string },
): Promise<number> {
  const kept = exceptSession ? await grantsOfSession({ live }, accountId, exceptSession) : new Set<string>();
  const members = await closeIndex({ live, clock }, layout.accountGrants(accountId));
  const ending = members
    .map((member) => fromAccountIndex(accountId, member))
    .filter((grant) => clientId === undefined || grant.clientId === clientId)
    .filter((grant) => !kept.has(grant.grantId));
  return endAll({ live }, ending);
}

/** Ends every grant of an app, of whomever: it was disabled or is about to be removed. */
export async function revokeClientGrants(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  { clientId }: { clientId: string },
): Promise<number> {
  const members = await closeIndex({ live, clock }, layout.clientGrants(clientId));
  return endAll(
    { live },
    members.map((member) => fromClientIndex(clientId, member)),
  );
}

async function grantsOfSession(
  { live }: Pick<Services, 'live'>,
  accountId: string,
  uid: string,
): Promise<Set<string>> {
  const [entry] = await live.read([layout.session(uid)]);
  if (!entry) return new Set();
  const grants = await grantsOf({ live }, accountId, readSession(entry.value, uid));
  return new Set(grants.map(({ grantId }) => grantId));
}

/** In small batches: an app may have very many grants, and other requests want the store meanwhile. */
async function endAll({ live }: Pick<Services, 'live'>, grants: readonly GrantMember[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < grants.length; from += 100) {
    const batch = grants.slice(from, from + 100);
    const ended = await Promise.all(batch.map((grant) => endGrant({ live }, grant)));
    count += ended.filter(Boolean).length;
  }
  return count;
}
