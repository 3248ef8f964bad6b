import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { openLossyWorld } from '../support/lossy-world.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { World } from '../support/world.ts';

/** PostgreSQL keeps a decision and its reply never arrives (reliability F3): whoever presses again comes through. */
describe('while replies of PostgreSQL are lost', () => {
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

  it.each(['allow', 'deny'] as const)('a second press of "%s" is taken at once', async (decision) => {
    const person = await world.person().goes(app.asks({ prompt: 'consent' }).url);
    await person.signsIn(await world.account());
    const page = person.url;
    const before = proxy.cuts();
    // The one writes its consent, the other its refusal in the audit record.
    proxy.cutReplyTo(decision === 'allow' ? 'into "consents"' : '"audit_events"');
    await person.decides(decision);
    expect([person.status, proxy.cuts()]).toEqual([503, before + 1]);
    await person.goes(page);
    if (!person.left) await person.decides(decision);
    expect(person.left?.searchParams.has(decision === 'allow' ? 'code' : 'error')).toBe(true);
  });

  it('also where the person had allowed the app before', async () => {
    const account = await world.account();
    const person = world.person();
    await app.signsIn(person, account);
    for (let round = 0; round < 3; round += 1) {
      await person.goes(app.asks({ prompt: 'consent' }).url);
      const page = person.url;
      const before = proxy.cuts();
      proxy.cutReplyTo('"allowed_scopes" = $');
      await person.decides('allow');
      expect([person.status, proxy.cuts()]).toEqual([503, before + 1]);
      await person.goes(page);
      if (!person.left) await person.decides('allow');
      expect(person.left?.searchParams.has('code')).toBe(true);
    }
  });
});
