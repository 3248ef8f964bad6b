import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { startPostgres, type TestServer } from '../support/servers.mjs';
import { openWorld, type World } from '../support/world.ts';

/** PostgreSQL keeps a decision and its reply never arrives (reliability F3): whoever presses again comes through. */
describe('while replies of PostgreSQL are lost', () => {
  let postgres: TestServer;
  let proxy: FaultProxy;
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    postgres = await startPostgres();
    proxy = await openFaultProxy(postgres.url);
    const [SECRETS_KEY, COOKIE_KEYS] = [randomBytes(32), randomBytes(32)].map((b) => b.toString('base64url'));
    world = await openWorld({
      DATABASE_URL: proxy.url,
      SECRETS_KEY: String(SECRETS_KEY),
      COOKIE_KEYS: String(COOKIE_KEYS),
    });
    app = await openRelyingParty(world);
  });
  afterAll(async () => {
    await world?.close();
    await proxy?.close();
    await postgres?.stop();
  });

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
