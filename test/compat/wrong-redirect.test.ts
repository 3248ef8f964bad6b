import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { limits, takeFromLimits } from '../../src/limits/limits.ts';
import { openDesk } from '../../src/operator/desk.ts';
import { runCommand } from '../../src/operator/run-command.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { until } from '../support/timing.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';
import { openCompatApp } from './compat-app.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe('the page for a redirect URI that is not registered', () => {
  it('says what was sent, what is registered, how they differ and where to change it', async () => {
    const app = await openCompatApp(world);
    const person = world.person();
    await person.goes(app.asks({ redirect_uri: 'http://shop.example.test/cb' }));
    expect([person.status, person.errorCode]).toEqual([400, 'invalid_redirect_uri']);
    for (const words of ['http://shop.example.test/cb', app.redirectUri, 'http and https', app.clientId])
      expect(person.text).toContain(words);
    expect(person.alert).toContain('Your account is fine');
  });

  it('names the command that mends it, to the letter', async () => {
    const app = await openCompatApp(world);
    const person = world.person();
    const sent = 'https://shop.example.test/cb?close';
    await person.goes(app.asks({ redirect_uri: sent }));
    const [, line = ''] = /latchkey (apps update .+) https:\/\/\.\.\./.exec(person.text) ?? [];
    const desk = openDesk({
      environment: world.environment,
      stdin: process.stdin,
      stderr: process.stderr,
      serve: async () => {},
    });
    const done = await runCommand(desk, [...line.split(' '), sent]).finally(() => desk.close());
    expect(done).toMatchObject({ ok: true });
    // The command has its own hold of the records; the server hears of it a moment later.
    await until(async () => (await person.goes(app.asks({ redirect_uri: sent }))).status === 200);
    expect(person.heading).toBe('Sign in');
  });

  it('is the same at the standard endpoint, and makes nothing of what was sent but text', async () => {
    const app = await openRelyingParty(world);
    const person = world.person();
    const sent = 'https://evil.test/"><script>alert(1)</script>';
    await person.goes(app.asks({ redirect_uri: sent }).url);
    expect([person.status, person.errorCode]).toEqual([400, 'invalid_redirect_uri']);
    expect(person.text).toContain(sent);
    expect(person.html.links.filter(({ href }) => href.includes('evil.test'))).toEqual([]);
    expect(person.html.forms).toEqual([]);
    expect(person.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it.each(['de', 'es', 'fr', 'ja', 'ar'])('has its words in %s', async (language) => {
    const app = await openCompatApp(world);
    const person = world.person({ language });
    await person.goes(app.asks({ redirect_uri: 'https://shop.example.test/cb/' }));
    expect([person.status, person.headers['content-language']]).toEqual([400, language]);
    expect(person.text).toContain(app.redirectUri);
  });
});

it('is counted by its sender like every request, though it never comes to the engine', async () => {
  const app = await openCompatApp(world);
  const key = newAddress();
  const { max } = limits.authorize_by_address;
  for (let at = 0; at < max; at += 1)
    await takeFromLimits(world.services, [{ limit: 'authorize_by_address', key }]);
  const from = { headers: { 'x-forwarded-for': key } };
  for (const given of [{ redirect_uri: 'https://evil.test/' }, { client_id: 'nobody' }, { scope: 'nothing' }])
    expect((await send(app.asks(given), from)).status).toBe(429);
});
