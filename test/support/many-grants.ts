import { inBatches } from '../../src/kit/in-batches.ts';
import { newId } from '../../src/kit/secrets.ts';
import { type GrantMember, inAccountIndex, inClientIndex, layout } from '../../src/oidc/live-layout.ts';
import type { LiveStep } from '../../src/store/live.ts';
import { allMembers } from '../../src/store/live-members.ts';
import { untilWorks } from './timing.ts';
import type { World } from './world.ts';

/** Grants without the sign-ins that they come from, as many as are wanted: what an ending has to go through. */
type Owners = { accountId?: string; clientId?: string };

/** `accountId` or `clientId` that is not said: somebody else for each. */
export async function addGrants(
  { services: { live, clock } }: World,
  { accountId, clientId }: Owners,
  count: number,
): Promise<GrantMember[]> {
  const grants = Array.from({ length: count }, () => ({
    grantId: newId(),
    accountId: accountId ?? newId(),
    clientId: clientId ?? newId(),
  }));
  // All of a moment, as after a campaign: what ends together is told apart by name alone.
  const expiresAt = clock.now() + 600_000;
  const listed = (key: LiveStep['key'], member: string): LiveStep => ({
    do: 'enlist',
    key,
    member,
    expiresAt,
  });
  // Thousands in a row: a machine that stands still for a moment is no reason to begin again.
  const add = (step: LiveStep) => untilWorks(10_000, () => live.commit([step]));
  await inBatches(grants, 50, (grant) =>
    Promise.all([
      add({ do: 'put', key: layout.grant(grant.grantId), value: '{}', ttlMs: 600_000 }),
      add(listed(layout.accountGrants(grant.accountId), inAccountIndex(grant))),
      add(listed(layout.clientGrants(grant.clientId), inClientIndex(grant))),
    ]),
  );
  return grants;
}

/** How many of them are there, and how many an index still lists. */
export async function whatIsLeft(
  { services: { live } }: World,
  grants: readonly GrantMember[],
): Promise<{ grants: number; listed: number }> {
  const there = await inBatches(grants, 100, async ({ grantId }) => {
    const [entry] = await live.read([layout.grant(grantId)]);
    return entry !== undefined;
  });
  const indexes = new Set(
    grants.flatMap(({ accountId, clientId }) => [
      layout.accountGrants(accountId),
      layout.clientGrants(clientId),
    ]),
  );
  const listed = await inBatches([...indexes], 100, (key) => allMembers({ live }, key));
  return { grants: there.filter(Boolean).length, listed: listed.flat().length };
}
