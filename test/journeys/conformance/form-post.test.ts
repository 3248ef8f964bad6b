import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** What the plan "Form Post Basic" looks at: an answer in a form (OAuth 2.0 Form Post Response Mode). */
let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { client_name: 'Tom & "Jerry" <b>' });
  account = await world.account();
});
afterAll(() => world.close());

function formOn(person: Person) {
  const [form] = person.html.forms;
  return {
    ...form,
    fields: Object.fromEntries(form?.controls.map(({ name, value }) => [name, value]) ?? []),
  };
}

async function askedFor(person: Person, params: Record<string, string>) {
  const attempt = app.asks({ response_mode: 'form_post', ...params });
  await person.goes(attempt.url);
  return { attempt, person };
}

describe('an answer in a form', () => {
  it('has a page of ours, with the answer, one button, and whatever the app wrote as it wrote it', async () => {
    const state = '"><script>alert(1)</script>&amp; \u00e9 \'';
    const { attempt, person } = await askedFor(world.person(), { state });
    await person.signsIn(account);
    await person.decides('allow');
    const { action, method, fields } = formOn(person);
    expect([person.status, method, action]).toEqual([200, 'post', app.redirectUri]);
    expect(fields).toEqual({ code: expect.any(String), state, iss: world.issuer });
    expect(person.heading).toBe('Going back to Tom & "Jerry" <b>');
    expect(person.headers['content-security-policy']).toMatch(/script-src 'nonce-[\w-]+'/);
    expect(person.headers['cache-control']).toBe('no-store');
    await person.presses('Continue');
    expect(person.left?.href).toBe(app.redirectUri);
    const redeemed = await app.redeems(String(fields['code']), attempt);
    expect(redeemed.status).toBe(200);
    // oidcc-codereuse
    const again = await app.redeems(String(fields['code']), attempt);
    expect([again.status, again.json['error']]).toEqual([400, 'invalid_grant']);
    expect((await app.userinfo(String(redeemed.json['access_token']))).status).toBe(401);
  });

  it('speaks the language that was asked for', async () => {
    const person = world.person({ language: 'fr' });
    await askedFor(person, {});
    await person.signsIn(account);
    expect(person.heading).toMatch(/^Retour à /);
  });

  it('carries an error as well', async () => {
    const { person } = await askedFor(world.person(), { prompt: 'none' });
    const { fields, action } = formOn(person);
    expect([action, fields]).toEqual([
      app.redirectUri,
      {
        error: 'login_required',
        error_description: expect.any(String),
        state: expect.any(String),
        iss: world.issuer,
      },
    ]);
  });

  it('is not sent to an address that nobody registered', async () => {
    const { person } = await askedFor(world.person(), { redirect_uri: 'https://evil.test/' });
    expect([person.status, person.errorCode, person.html.forms.length]).toEqual([
      400,
      'invalid_redirect_uri',
      0,
    ]);
  });
});
