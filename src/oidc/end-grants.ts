import { compatMarker } from '../consents/compat-scopes.ts';
import { inBatches } from '../kit/in-batches.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';
import { removeAndMark } from './endings.ts';
import { type GrantMember, inAccountIndex, inClientIndex, layout, sessionTag } from './live-layout.ts';
import { readGrant, writeGrant } from './record-forms.ts';
import type { StoredGrant } from './stored-grant.ts';

type Live = Pick<Services, 'live'>;
type Listed = { key: LiveKey; member: string };

/** So many side by side: an app may have a million, and other requests want the store meanwhile. */
export const endedAtOnce = 50;

/**
 * Ends grants that a page of an index lists, and with them every code and token under them. They are struck from that index
 * last, all in one commit, so that an ending that was cut short finds what it left. Answers how many were there.
 */
export async function endGrants(
  { live }: Live,
  grants: readonly GrantMember[],
  from: 'account' | 'client',
): Promise<number> {
  if (grants.length === 0) return 0;
  const [own, other] = from === 'account' ? [inAccount, inClient] : [inClient, inAccount];
  const ended = await inBatches(grants, endedAtOnce, async (grant) => {
    const was = await remove({ live }, grant);
    await live.commit([{ do: 'strike', ...other(grant) }]);
    return was;
  });
  await live.commit(grants.map((grant) => ({ do: 'strike', ...own(grant) })));
  return ended.filter(Boolean).length;
}

/** The same for a single one. */
async function endGrant({ live }: Live, grant: GrantMember): Promise<boolean> {
  const ended = await remove({ live }, grant);
  await unlist({ live }, grant);
  return ended;
}

function remove({ live }: Live, { grantId }: GrantMember): Promise<boolean> {
  return removeAndMark({ live }, { record: layout.grant(grantId), mark: layout.grantEnded(grantId) });
}

/** The same for who knows nothing of it but its id. */
export async function dropGrant({ live }: Live, grantId: string): Promise<boolean> {
  const key = layout.grant(grantId);
  const [entry] = await live.read([key]);
  const taken = await live.commit([{ do: 'take', key }]);
  if (entry) await unlist({ live }, listedAs(grantId, readGrant(entry.value)));
  return taken.ok;
}

/**
 * What ends with the session that a grant was made for: all of it, unless the person allowed access for the time when
 * nobody is there. Then the grant says that its session is over, and what was given to the session alone is dead.
 */
export async function endWithSession(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  grant: GrantMember,
): Promise<void> {
  const key = layout.grant(grant.grantId);
  const [entry] = await live.read([key]);
  const stored = entry && readGrant(entry.value);
  if (!entry || !stored || !isLasting(stored)) return void (await endGrant({ live }, grant));
  if (stored.sessionOver) return;
  const value = writeGrant({ ...stored, sessionOver: true });
  const ttlMs = Math.max(1000, (stored.exp ?? 0) * 1000 - clock.now());
  // Nothing else is ever changed in a grant, so whoever was quicker did the same or ended it.
  await live.commit([{ do: 'replace', key, expect: entry.value, value, ttlMs }]);
}

/** Whether something of this grant may live longer than the session it was made for. */
function isLasting({ openid, rejected }: StoredGrant): boolean {
  const has = (scope: string | undefined, name: string) => scope?.split(' ').includes(name) === true;
  if (has(openid?.scope, compatMarker)) return true;
  return has(openid?.scope, 'offline_access') && !has(rejected?.openid?.scope, 'offline_access');
}

/** The account's entry last: by it whoever ends things of an account finds the grant again, when this is cut short. */
export async function unlist({ live }: Live, grant: GrantMember): Promise<void> {
  await live.commit([{ do: 'strike', ...inClient(grant) }]);
  await live.commit([{ do: 'strike', ...inAccount(grant) }]);
}

function inAccount(grant: GrantMember): Listed {
  return { key: layout.accountGrants(grant.accountId), member: inAccountIndex(grant) };
}

function inClient(grant: GrantMember): Listed {
  return { key: layout.clientGrants(grant.clientId), member: inClientIndex(grant) };
}

export function listedAs(grantId: string, { accountId, clientId, sessionUid }: StoredGrant): GrantMember {
  if (!accountId || !clientId) throw new Error('a grant belongs to an account and an app');
  return { grantId, accountId, clientId, session: sessionTag(sessionUid) };
}
