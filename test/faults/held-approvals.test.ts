import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  addApproval,
  approvalsAreHeld,
  decideApproval,
  findApproval,
} from '../../src/credentials/approvals.ts';
import { minutes } from '../../src/kit/durations.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { openLossyWorld } from '../support/lossy-world.ts';
import { untilWorks } from '../support/timing.ts';
import { wipeLiveState } from '../support/wipe-live.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** "It was not me" holds requests for an hour, whatever fails meanwhile. */
async function openRequest({ services, account }: World) {
  const { accountId } = await account();
  const asks = { boundTo: 'a sign-in', ip: '203.0.113.9', userAgent: 'a browser' };
  const { id } = await addApproval(services, { accountId, ...asks });
  return { accountId, id, state: 'refused', held: true } as const;
}

describe('a "no" that meets records which are away', () => {
  let lossy: Awaited<ReturnType<typeof openLossyWorld>>;
  beforeAll(async () => {
    lossy = await openLossyWorld();
  });
  afterAll(() => lossy?.close());

  it('decides nothing, so that it can be said again', async () => {
    const { world, proxy } = lossy;
    const no = await openRequest(world);
    proxy.silence(true);
    await expect(decideApproval(world.services, no)).rejects.toThrow(StoreUnavailable);
    proxy.silence(false);
    expect((await findApproval(world.services, no))?.state).toBe('open');
    expect((await untilWorks(5000, () => decideApproval(world.services, no))).value).toBe(true);
    expect(await approvalsAreHeld(world.services, no.accountId)).toBe(true);
  });
});

describe.each(worldKinds)('a "no", on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  const heldKey = (accountId: string) => `{account ${accountId}}:approvals-held` as const;

  it('is known to servers of the version before and from them: they look at the live state alone', async () => {
    const { services } = world;
    const no = await openRequest(world);
    expect(await decideApproval(services, no)).toBe(true);
    expect((await services.live.read([heldKey(no.accountId)]))[0]).toBeDefined();
    const other = await openRequest(world);
    expect(await approvalsAreHeld(services, other.accountId)).toBe(false);
    const key = heldKey(other.accountId);
    await services.live.commit([{ do: 'put', key, value: '', ttlMs: 60 * minutes }]);
    expect(await approvalsAreHeld(services, other.accountId)).toBe(true);
  });

  it('holds for an hour although the live state is lost; a yes and a wrong number hold nothing', async () => {
    const { services } = world;
    const [no, yes, wrong] = [await openRequest(world), await openRequest(world), await openRequest(world)];
    await decideApproval(services, no);
    await decideApproval(services, { ...yes, state: 'approved', held: false });
    await decideApproval(services, { ...wrong, held: false });
    expect(await decideApproval(services, { ...yes, state: 'refused' })).toBe(false);
    await wipeLiveState(world);
    const held = () => Promise.all([no, yes, wrong].map((one) => approvalsAreHeld(services, one.accountId)));
    expect(await held()).toEqual([true, false, false]);
    world.advance(60 * minutes);
    expect(await held()).toEqual([false, false, false]);
  });
});
