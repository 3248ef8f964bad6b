import { inBatches } from '../kit/in-batches.ts';
import type { Services } from '../services.ts';
import { allMembers } from '../store/live-members.ts';
import { endGrants } from './end-grants.ts';
import { closeIndex } from './endings.ts';
import { fromAccountIndex, fromClientIndex, type GrantMember, layout } from './live-layout.ts';
import { readSession } from './record-forms.ts';
import { grantsOf } from './session-ending.ts';

const readAtOnce = 100;

/** A grant that has not ended. `expiresAt` in epoch milliseconds. */
export type GrantSummary = Omit<GrantMember, 'session'> & { expiresAt: number };

export async function listGrants(
  { live }: Pick<Services, 'live'>,
  accountId: string,
): Promise<GrantSummary[]> {
  const members = await allMembers({ live }, layout.accountGrants(accountId));
  const found = await inBatches(members, readAtOnce, async ({ member, expiresAt }) => {
    const { session: _session, ...grant } = fromAccountIndex(accountId, member);
    const [entry] = await live.read([layout.grant(grant.grantId)]);
    return entry && { ...grant, expiresAt };
  });
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
  let count = 0;
  for await (const page of closeIndex({ live, clock }, layout.accountGrants(accountId))) {
    const ending = page
      .map((member) => fromAccountIndex(accountId, member))
      .filter((grant) => clientId === undefined || grant.clientId === clientId)
      .filter((grant) => !kept.has(grant.grantId));
    count += await endGrants({ live }, ending, 'account');
  }
  return count;
}

/** Ends every grant of an app, of whomever: it was stopped. */
export async function revokeClientGrants(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  { clientId }: { clientId: string },
): Promise<number> {
  let count = 0;
  for await (const page of closeIndex({ live, clock }, layout.clientGrants(clientId))) {
    const ending = page.map((member) => fromClientIndex(clientId, member));
    count += await endGrants({ live }, ending, 'client');
  }
  return count;
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
