import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LiveKey, type LiveStep, StoreUnavailable } from '../../src/store/live.ts';
import { instead } from '../support/cut-short.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { openLossyWorld } from '../support/lossy-world.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { until, untilWorks } from '../support/timing.ts';
import type { World } from '../support/world.ts';

/** Found by `npm run faults` (F3): the account was there, without a password, and its owner was told that the code is dead. */
describe('signing up while PostgreSQL loses answers', () => {
  let lossy: Awaited<ReturnType<typeof openLossyWorld>>;
  let world: World;
  let proxy: FaultProxy;
  let app: RelyingParty;
  beforeAll(async () => {
    lossy = await openLossyWorld();
    ({ world, proxy } = lossy);
    app = await openRelyingParty(world);
  });
  afterAll(() => lossy?.close());

  it.each([
    ['commit', 'there'],
    ['into "passwords"', 'there'],
    ['commit', 'away'],
  ])(
    'goes on with the same code, to the same account, after the answer to %s was lost, the live state being %s',
    async (command, live) => {
      const identifier = `new-${command.replace(/\W+/g, '')}-${live}@example.com`;
      const password = 'correct-horse-battery';
      const person = await world.person().goes(app.asks().url);
      await person.goes(`${person.url}/sign-up`);
      await person.submits({ name: 'Newcomer', identifier, password });
      const code = await world.codeSentTo(identifier);
      const page = person.url.replace(/\/prove$/, '');

      const cuts = proxy.cuts();
      const goingAway = live === 'away' ? silentWhenReturned(world) : undefined;
      // Of a commit they are asked whether it was kept, as long as they are there.
      proxy.cutReplyTo(command, command === 'commit' ? 'silence' : undefined);
      await person.submits({ code });
      expect([proxy.cuts() - cuts, person.status]).toEqual([1, 503]);
      if (command === 'commit') proxy.silence(false);
      await goingAway?.comesBack();

      // All connections broke when it spoke again, and one that lay idle learns of it only when it is used.
      await untilWorks(3000, async () => {
        await person.goes(page);
        expect(person.status).toBe(200);
      });
      await person.submits({ code });
      await person.decides('allow');
      expect(person.left?.searchParams.get('code')).toBeTruthy();
      // The one account there is opens with the password that was chosen.
      expect(
        await app.signsIn(world.person(), { accountId: '', identifier, password, totpSecret: undefined }),
      ).toHaveProperty('id_token');
    },
  );
});

/** The live state goes away at the moment when the code is to be made good again. */
function silentWhenReturned({ services: { live } }: World): { comesBack(): Promise<void> } {
  let key: LiveKey | undefined;
  const back = instead(live, async (steps, commit) => {
    const returned = usedAgain(steps);
    if (!returned) return commit();
    key = returned;
    throw new StoreUnavailable('live', new Error('a test made it silent'));
  });
  return {
    async comesBack() {
      back();
      if (!key) throw new Error('nothing was to be made good again');
      const code = key;
      await until(async () => (await live.read([code]))[0]?.consumedBy === undefined);
    },
  };
}

function usedAgain([first, ...others]: readonly LiveStep[]): LiveKey | undefined {
  if (first?.do !== 'consume') return undefined;
  return others.some((step) => step.do === 'put' && step.key === first.key) ? first.key : undefined;
}
