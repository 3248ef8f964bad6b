import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../support/person.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { openCompatApp } from './compat-app.ts';

let world: World;
let account: TestAccount;
let person: Person;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account({ profile: { name: 'Ada Example', address: { postal_code: '98052' } } });
  person = world.person();
});
afterAll(() => world.close());

describe('what a person allowed an app of the Login-with-Amazon kind', () => {
  it('grows only by what they are shown, and a token never holds more (CO-03)', async () => {
    const app = await openCompatApp(world);
    const first = await app.signsIn(person, account);
    await person.goes(app.asks({ scope: 'profile postal_code' }));
    expect(person.text).toContain('New this time');
    expect(person.text).toContain('98052');
    expect(person.html.forms.flatMap(({ controls }) => controls.map(({ value }) => value))).not.toContain(
      'lwa:profile',
    );
    await person.decides('allow', { scope: ['lwa:postal_code'] });
    expect(person.left?.searchParams.get('scope')).toBe('profile postal_code');
    // What was given before stays what it was.
    const { json } = await app.refreshes(first.refresh_token);
    expect(Object.keys((await app.profile(String(json['access_token']))).json)).toEqual([
      'user_id',
      'name',
      'email',
    ]);
    const less = await app.signsIn(person, account, { scope: 'profile:user_id' });
    expect(Object.keys((await app.profile(less.access_token)).json)).toEqual(['user_id']);
  });

  it('is asked of nobody by the company’s own apps, and by every other one (CO-09)', async () => {
    const own = await openCompatApp(world, { first_party: true });
    await person.goes(own.asks());
    expect(person.left?.searchParams.get('scope')).toBe('profile');
    const other = await openCompatApp(world);
    await person.goes(other.asks());
    expect([person.left, person.heading]).toEqual([undefined, expect.stringContaining('Paperplane Shop')]);
  });

  it('never mixes with what they allowed at the standard endpoints', async () => {
    const app = await openCompatApp(world);
    const { access_token } = await app.signsIn(person, account);
    const standard = `${world.issuer}/authorize?${new URLSearchParams({
      client_id: app.clientId,
      response_type: 'code',
      redirect_uri: app.redirectUri,
      scope: 'openid profile',
    })}`;
    await person.goes(standard);
    // A profile is asked for anew, though a profile was allowed in that face.
    expect(person.text).toContain('Your profile');
    expect(Object.keys((await app.profile(access_token)).json)).toEqual(['user_id', 'name', 'email']);
  });

  it('can be taken with the names of that face by nobody else', async () => {
    const plain = await openCompatApp(world, { login_with_amazon: false, require_pkce: false });
    const url = `${world.issuer}/authorize?${new URLSearchParams({
      client_id: plain.clientId,
      response_type: 'code',
      redirect_uri: plain.redirectUri,
      scope: 'openid lwa lwa:profile alexa:all',
    })}`;
    await person.goes(url);
    expect(person.text).not.toContain('alexa');
    await person.decides('allow');
    const code = String(person.left?.searchParams.get('code'));
    const form = { grant_type: 'authorization_code', code, redirect_uri: plain.redirectUri };
    const { json } = await plain.posts('/token', form, { authorization: plain.basic });
    expect([json['scope'], String(json['access_token']).length]).toEqual(['openid', 65]);
  });

  it('gives an app no more at the standard endpoint than at its own: what is not listed is not asked for', async () => {
    const app = await openCompatApp(world, { scope: 'profile' });
    const names = 'lwa lwa:profile lwa:postal_code alexa::ask:all';
    const url = `${world.issuer}/authorize?${new URLSearchParams({
      client_id: app.clientId,
      response_type: 'code',
      redirect_uri: app.redirectUri,
      scope: names,
    })}`;
    await person.goes(url);
    expect(person.text).not.toMatch(/alexa|98052/);
    await person.decides('allow');
    expect(person.left?.searchParams.get('scope')).toBe('profile');
    const ours = await openCompatApp(world, { scope: 'profile', first_party: true });
    await person.goes(url.replace(encodeURIComponent(app.clientId), encodeURIComponent(ours.clientId)));
    expect(person.left?.searchParams.get('scope')).toBe('profile');
  });

  it('is not asked of a page in a frame, nor of one that a link skipped to (CO-05)', async () => {
    const app = await openCompatApp(world);
    await person.goes(app.asks());
    expect(person.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(person.headers['x-frame-options']).toBe('DENY');
    await person.isSentTo(`${person.url}/consent`, { form: { decision: 'allow' } });
    expect([person.left, person.status]).toEqual([undefined, 403]);
  });
});
