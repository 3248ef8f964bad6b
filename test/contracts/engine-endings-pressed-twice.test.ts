import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { seconds } from '../../src/kit/durations.ts';
import { readAsked } from '../../src/oidc/cross-device/asked-form.ts';
import { decisionHolds } from '../../src/oidc/decision.ts';
import { listGrants, revokeGrants } from '../../src/oidc/grants.ts';
import { fromClientIndex, layout } from '../../src/oidc/live-layout.ts';
import type { LiveStep } from '../../src/store/live.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { ask, atDevice, poll, television } from '../support/televisions.ts';
import { has, meanwhile } from '../support/two-worlds.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * A device is allowed twice, since the first answer stands still for longer than it holds (decision.ts). Both would make a grant
 * of one name: what the second gave stays whole when the first goes on, and is found by whoever ends it.
 */
describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());

  type Who = { accountId: string; clientId: string };
  const disable = ({ clientId }: Who) => disableClient(world.services, { clientId, reason: 'a test' });
  const withdraw = (who: Who) => withdrawConsent(world.services, who);
  /** Changes the generation of the account's index, and ends nothing. */
  const endsNothing = ({ accountId }: Who) =>
    revokeGrants(world.services, { accountId, clientId: 'of another app' });

  it.each<[string, (steps: readonly LiveStep[]) => boolean, (who: Who) => Promise<unknown>]>([
    ['drops what an earlier one left', has('take', ':g'), withdraw],
    ['lists its grant', has('enlist', ':grants'), withdraw],
    ['writes its grant', has('add', ':g'), disable],
    ['approves', isApproval, withdraw],
  ])(
    'what a device has stays and ends, though another answer comes late when it %s',
    async (_, step, end) => {
      const app = await openRelyingParty(world, television);
      const account = await world.account();
      const who = { accountId: account.accountId, clientId: app.clientId };
      const codes = await ask(app);
      const late = await atDevice(world, codes, account);
      const quick = await atDevice(world, codes, account);
      let access = '';
      const meeting = meanwhile(world, step, async () => {
        world.advance(decisionHolds(world.services) + 1 * seconds);
        await quick.decides('allow');
        access = String((await poll(app, codes)).access_token);
        await endsNothing(who);
      });
      await late.decides('allow');
      expect(meeting.happened()).toBe(true);
      expect(late.status).toBeLessThan(500);

      expect((await app.userinfo(access)).status).toBe(200);
      const listed = await listGrants(world.services, who.accountId);
      const ofAccount = listed.filter(({ clientId }) => clientId === who.clientId);
      const { members } = await world.services.live.members(layout.clientGrants(who.clientId));
      const ofApp = members.map(({ member }) => fromClientIndex(who.clientId, member).grantId);
      expect(ofApp).toHaveLength(1);
      expect(ofAccount.map(({ grantId }) => grantId)).toEqual(ofApp);

      await end(who);
      expect((await app.userinfo(access)).status).toBe(401);
    },
  );
});

function isApproval(steps: readonly LiveStep[]): boolean {
  return (
    has('replace', ':q')(steps) &&
    steps.some((step) => 'value' in step && readAsked(step.value ?? '').grantId !== undefined)
  );
}
