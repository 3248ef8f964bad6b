import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listGrants, revokeClientGrants, revokeGrants } from '../../src/oidc/grants.ts';
import { fromAccountIndex, layout } from '../../src/oidc/live-layout.ts';
import { endSession, endSessions, listSessions } from '../../src/oidc/sessions.ts';
import type { OpenServices } from '../../src/services.ts';
import type { LiveStep } from '../../src/store/live.ts';
import { repeatedAfter } from '../support/cut-short.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { has, pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import type { World } from '../support/world.ts';

/**
 * What is made twice, since the first reply was lost on the wire (src/store/once-more.ts), while it ends on another server in
 * between: it does not come back, and its request is refused like any that an ending overtook.
 */
describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let there: OpenServices;
  let ours: RelyingParty;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    there = pair.beside.services;
    ours = await openRelyingParty(world, { first_party: true });
  });
  afterAll(() => pair?.close());

  type Who = { accountId: string; clientId: string };
  it.each<[string, string, (who: Who) => Promise<unknown>]>([
    ['its person takes the access back', '', (who) => revokeGrants(there, who)],
    ['its person takes the access back, by the engine', '/', (who) => revokeGrants(there, who)],
    ['its app is stopped', '', (who) => revokeClientGrants(there, who)],
    ['its session ends', '', (who) => endEach(who)],
  ])('no grant comes back when %s', async (_, way, end) => {
    const app = await openRelyingParty(world, { first_party: true });
    const account = await world.account();
    const who = { accountId: account.accountId, clientId: app.clientId };
    const person = world.person();
    await ours.signsIn(person, account);
    const attempt = app.asks({ scope: 'openid offline_access' });
    attempt.url.pathname += way;
    let made = '';
    const isMaking = (steps: readonly LiveStep[]) => {
      made ||= grantIn(steps);
      return has('add', ':g')(steps);
    };
    const meeting = repeatedAfter(world, isMaking, () => end(who));
    await person.goes(attempt.url);
    expect(meeting.happened()).toBe(true);
    expect([person.left, person.status]).toEqual([undefined, 400]);
    expect(made).not.toBe('');
    expect(await there.live.read([layout.grant(made)])).toEqual([undefined]);
    expect((await listGrants(there, who.accountId)).filter((one) => one.clientId === who.clientId)).toEqual(
      [],
    );
    const { members } = await there.live.members(layout.accountGrants(who.accountId));
    expect(members.map(({ member }) => fromAccountIndex('', member).grantId)).not.toContain(made);
  });

  const endEach = async ({ accountId }: Who) => {
    for (const { uid } of await listSessions(there, accountId)) await endSession(there, { accountId, uid });
  };

  it.each<[string, (who: Who) => Promise<unknown>]>([
    ['the person signs out everywhere', ({ accountId }) => endSessions(there, { accountId })],
    ['it ends alone', (who) => endEach(who)],
  ])('no session comes back when %s', async (_, end) => {
    const account = await world.account();
    const who = { accountId: account.accountId, clientId: ours.clientId };
    const person = world.person();
    await person.goes(ours.asks().url);
    const meeting = repeatedAfter(world, has('add', ':s'), () => end(who));
    await person.signsIn(account);
    expect(meeting.happened()).toBe(true);
    expect([person.left, person.status]).toEqual([undefined, 400]);
    expect(await listSessions(there, who.accountId)).toEqual([]);
    await person.goes(ours.asks({ prompt: 'none' }).url);
    expect(person.left?.searchParams.has('code')).toBe(false);
  });
});

function grantIn(steps: readonly LiveStep[]): string {
  const step = steps.find((one) => one.do === 'add' && one.key.endsWith('}:g'));
  return step?.key.slice(1, -3) ?? '';
}
