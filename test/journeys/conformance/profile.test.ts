import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seed } from '../../../src/operator/seed.ts';
import { suiteIssuer as issuer, suiteSettings } from '../../support/suite-settings.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { claimsOfScope } from './whole-person.ts';

/** A run as docs/conformance.md says it: its profile, the person and the apps that it seeds, and pages with words that stay. */
const text = readFileSync(path.join(import.meta.dirname, '../../../docs/conformance.md'), 'utf8');
const [, people = ''] = /^```yaml\n(accounts:[\s\S]*?)^```/m.exec(text) ?? [];
const callback = 'https://localhost.emobix.co.uk:8443/test/a/latchkey/callback';

let world: World;
beforeAll(async () => {
  world = await openWorld(suiteSettings);
  expect(await seed(world.services, people)).toMatchObject({ ok: true, notBrought: [] });
});
afterAll(() => world.close());

const asks = (params: Record<string, string>) => {
  const asked = {
    client_id: 'suite-basic-1',
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid',
    ...params,
  };
  return world.person().goes(`${issuer}/authorize?${new URLSearchParams(asked)}`);
};

it('has a person with every claim, who signs in to the app that stands beside them', async () => {
  const person = await asks({ scope: `openid ${Object.keys(claimsOfScope).join(' ')}` });
  await person.submits({ identifier: 'suite@example.com', password: 'correct horse battery staple' });
  expect(person.heading).toBe('Allow suite-basic-1 to use your Latchkey account?');
  await person.submits({ decision: 'allow' });
  const form = {
    grant_type: 'authorization_code',
    code: String(person.left?.searchParams.get('code')),
    redirect_uri: callback,
  };
  const basic = Buffer.from('suite-basic-1:a-secret-of-at-least-32-characters-1').toString('base64');
  const { json } = await send(`${issuer}/token`, {
    port: world.port,
    body: new URLSearchParams(form),
    headers: { authorization: `Basic ${basic}`, 'x-forwarded-for': newAddress() },
  });
  const headers = { authorization: `Bearer ${json['access_token']}` };
  const told = (await send(`${issuer}/userinfo`, { port: world.port, headers })).json;
  const names = ['sub', ...Object.values(claimsOfScope).join(' ').split(' ')];
  expect(Object.keys(told).sort()).toEqual(names.sort());
  expect(told).toMatchObject({ email_verified: true, address: { country: 'DE', postal_code: '10115' } });
});

it('leads the person to an app that registered itself a moment ago (Third-Party-Initiated Login)', async () => {
  const { json } = await send(`${issuer}/register`, {
    port: world.port,
    headers: { 'content-type': 'application/json', 'x-forwarded-for': newAddress() },
    body: JSON.stringify({ redirect_uris: [callback], initiate_login_uri: `${callback}/init` }),
  });
  const person = await world.person().goes(`${issuer}/account`);
  await person.submits({ identifier: 'suite@example.com', password: 'correct horse battery staple' });
  await person.goes(`${issuer}/account/apps/${json['client_id']}/open`);
  expect(person.left?.href).toBe(`${callback}/init?${new URLSearchParams({ iss: issuer })}`);
  const asked = await asks({ client_id: String(json['client_id']), prompt: 'none' });
  expect(asked.left?.searchParams.get('error')).toBe('login_required');
});

describe('a page of an error', () => {
  const cannot = 'This app\u2019s request cannot go on';
  it.each([
    ['an app that nobody knows', { client_id: 'nobody' }, 'invalid_client', cannot],
    ['no redirect URI', { redirect_uri: '' }, 'invalid_request', cannot],
    [
      'a redirect URI that is not registered',
      { redirect_uri: `${callback}/more` },
      'invalid_redirect_uri',
      'suite-basic-1 cannot take you back',
    ],
  ])('has its code and words that stay the same: %s', async (_, params, code, heading) => {
    const person = await asks(params as Record<string, string>);
    expect([person.left, person.status, person.errorCode, person.heading]).toEqual([
      undefined,
      400,
      code,
      heading,
    ]);
  });
});
