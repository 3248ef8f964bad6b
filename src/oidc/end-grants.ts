import { compatMarker } from '../consents/compat-scopes.ts';
import type { Services } from '../services.ts';
import { removeOrMark } from './endings.ts';
import { type GrantMember, inAccountIndex, inClientIndex, layout, sessionTag } from './live-layout.ts';
import { readGrant, writeGrant } from './record-forms.ts';
import type { StoredGrant } from './stored-grant.ts';

type Live = Pick<Services, 'live'>;

/** Ends a grant that an index lists, and with it every code and token under it. Answers whether it was there. */
export async function endGrant({ live }: Live, grant: GrantMember): Promise<boolean> {
  const { grantId } = grant;
  const ended = await removeOrMark(
    { live },
    { record: layout.grant(grantId), mark: layout.grantEnded(grantId) },
  );
  await unlist({ live }, grant);
  return ended;
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
  const { accountId, clientId } = grant;
  await live.commit([{ do: 'strike', key: layout.clientGrants(clientId), member: inClientIndex(grant) }]);
  await live.commit([{ do: 'strike', key: layout.accountGrants(accountId), member: inAccountIndex(grant) }]);
}

export function listedAs(grantId: string, { accountId, clientId, sessionUid }: StoredGrant): GrantMember {
  if (!accountId || !clientId) throw new Error('a grant belongs to an account and an app');
  return { grantId, accountId, clientId, session: sessionTag(sessionUid) };
}
