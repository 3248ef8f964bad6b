import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { openLossyWorld } from '../support/lossy-world.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
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

  it.each(['commit', 'into "passwords"'])(
    'goes on with the same code, to the same account, after the answer to %s was lost',
    async (command) => {
      const identifier = `new-${command.replace(/\W+/g, '')}@example.com`;
      const password = 'correct-horse-battery';
      const person = await world.person().goes(app.asks().url);
      await person.goes(`${person.url}/sign-up`);
      await person.submits({ name: 'Newcomer', identifier, password });
      const code = await world.codeSentTo(identifier);
      const page = person.url.replace(/\/prove$/, '');

      const cuts = proxy.cuts();
      proxy.cutReplyTo(command);
      await person.submits({ code });
      expect([proxy.cuts() - cuts, person.status]).toEqual([1, 503]);

      await person.goes(page);
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
