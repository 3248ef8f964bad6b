import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { findClient } from '../../clients/registry/registry.ts';
import { makeRegistrationToken, revokeRegistrationToken } from '../../src/actions/registration-tokens.ts';
import { hours } from '../../src/kit/durations.ts';
import { asked, posts, registered } from '../support/registration.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Apps that bring themselves in (RFC 7591). */
let open: World;
let guarded: World;

beforeAll(async () => {
  open = await openWorld({ DYNAMIC_REGISTRATION: 'open', REGISTRATIONS_PER_HOUR: '5' });
  guarded = await openWorld({ DYNAMIC_REGISTRATION: 'token' });
});
afterAll(async () => {
  await open.close();
  await guarded.close();
});

describe('an app that registers itself', () => {
  it('finds out where, is told all that was registered, and signs people in with it', async () => {
    const config = await client.dynamicClientRegistration(new URL(open.issuer), asked, undefined, {
      execute: [client.allowInsecureRequests],
    });
    const told = config.clientMetadata() as Record<string, unknown>;
    expect(told).toMatchObject({
      ...asked,
      client_id: expect.any(String),
      client_secret: expect.stringMatching(/^.{43}$/),
      client_secret_expires_at: 0,
      client_id_issued_at: expect.any(Number),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      subject_type: 'pairwise',
      registration_client_uri: `${open.issuer}/register/${told['client_id']}`,
    });
    for (const name of ['first_party', 'login_with_amazon', 'company']) expect(told).not.toHaveProperty(name);
    const kept = await findClient(open.services, String(told['client_id']));
    expect(kept).toMatchObject({ origin: 'open', verifiedAt: undefined });
    const pushed = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: asked.redirect_uris[0] as string,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    expect(pushed.searchParams.get('request_uri')).toMatch(/^urn:/);
  });

  it('cannot set what only operators may, and what we do not know is ignored (CO-09)', async () => {
    const made = await registered(open, {
      ...asked,
      client_id: 'mine',
      client_secret: 'mine-mine-mine',
      first_party: true,
      allow_implicit: true,
      high_assurance: true,
      company: 'Somebody',
      resource_server: '*',
      resources: ['https://api.example/'],
      login_with_amazon: true,
      require_pkce: false,
      skip_consent: true,
      colour: null,
      'client_name#de': 'Drachen',
      'first_party#de': true,
      scope: 'openid email pots:read admin',
    });
    expect(made['client_id']).not.toBe('mine');
    expect(made['client_secret']).not.toBe('mine-mine-mine');
    expect(made).toMatchObject({ scope: 'openid email', 'client_name#de': 'Drachen' });
    const { metadata } = (await findClient(open.services, String(made['client_id']))) ?? {};
    expect(metadata).toMatchObject({ first_party: false, login_with_amazon: false });
    for (const name of ['allow_implicit', 'high_assurance', 'company', 'resource_server', 'require_pkce'])
      expect(metadata).not.toHaveProperty(name);
  });

  it.each<[string, unknown, number, string, RegExp]>([
    ['no redirect URI', { client_name: 'x' }, 400, 'invalid_redirect_uri', /redirect_uris is missing/],
    [
      'a scheme that scripts (AZ-05)',
      { redirect_uris: ['JaVaScRiPt:alert(1)//'] },
      400,
      'invalid_redirect_uri',
      /redirect_uris\[0\]/,
    ],
    [
      'a flow that is gone',
      { ...asked, response_types: ['token'], allow_implicit: true },
      400,
      'invalid_client_metadata',
      /response_types/,
    ],
    [
      'a grant we do not know',
      { ...asked, grant_types: ['password'] },
      400,
      'invalid_client_metadata',
      /grant/,
    ],
    [
      'our own name (DC-13)',
      { ...asked, client_name: 'L a-t.c h k e y' },
      400,
      'invalid_client_metadata',
      /name/,
    ],
    [
      'our own name in wide letters',
      { ...asked, client_name: 'Ｌatchkey' },
      400,
      'invalid_client_metadata',
      /name/,
    ],
    [
      'our own name in another language',
      { ...asked, 'client_name#de': 'Latchkey' },
      400,
      'invalid_client_metadata',
      /name#de/,
    ],
    ['hidden letters', { ...asked, client_name: 'a\u202eb' }, 400, 'invalid_client_metadata', /client_name/],
    [
      'a statement',
      { ...asked, software_statement: 'x.y.z' },
      400,
      'unapproved_software_statement',
      /not supp/,
    ],
    ['a list', [asked], 400, 'invalid_client_metadata', /object/],
    ['half a text', '{"redirect_uris":', 400, 'invalid_client_metadata', /JSON/],
    ['too much', { ...asked, software_id: 'x'.repeat(70_000) }, 413, 'invalid_client_metadata', /64 kB/],
    ['a prototype', '{"__proto__":{"redirect_uris":[]}}', 400, 'invalid_redirect_uri', /missing/],
  ])('is told what is wrong with %s', async (_, members, status, error, description) => {
    const answer = await posts(open, members);
    expect(answer).toMatchObject({ status, json: { error } });
    expect(String(answer.json['error_description'])).toMatch(description);
    expect(String(answer.json['error_description'])).toMatch(/^[\x20-\x7e]*$/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('is told so when the body is a form, and when it asks from a script of any origin', async () => {
    expect(await posts(open, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
    });
    const preflight = await send(`${open.issuer}/register`, {
      method: 'OPTIONS',
      headers: { origin: 'https://kites.example.test', 'access-control-request-method': 'POST' },
    });
    expect(preflight).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': '*' } });
  });

  it('is slowed down where registration is open, by its address', async () => {
    const from = { 'x-forwarded-for': newAddress() };
    for (let at = 0; at < 5; at += 1) expect(await posts(open, asked, from)).toMatchObject({ status: 201 });
    const sixth = await posts(open, asked, from);
    expect(sixth).toMatchObject({ status: 429, json: { error: 'temporarily_unavailable' } });
    expect(Number(sixth.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('where a token is wanted', () => {
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  const make = (uses: number) =>
    makeRegistrationToken(guarded.services, { note: 'partners', uses, lifetimeMs: 2 * hours });

  it('registers only with one, so many times, and not with one that was taken back or is too old', async () => {
    expect(await posts(guarded, asked)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
      json: { error_description: expect.stringContaining('Authorization: Bearer') },
    });
    expect(await posts(guarded, asked, bearer('a.b'))).toMatchObject({ status: 401 });
    const two = await make(2);
    const wrong = `${two.id}.${'x'.repeat(43)}`;
    expect(await posts(guarded, asked, bearer(wrong))).toMatchObject({ status: 401 });
    expect(await posts(guarded, { redirect_uris: [] }, bearer(two.text))).toMatchObject({ status: 400 });
    const foreign = { ...asked, sector_identifier_uri: 'https://localhost/list.json' };
    expect(await posts(guarded, foreign, bearer(two.text))).toMatchObject({ status: 400 });
    const racing = await Promise.all([1, 2, 3, 4].map(() => posts(guarded, asked, bearer(two.text))));
    expect(racing.map(({ status }) => status).sort()).toEqual([201, 201, 401, 401]);
    const made = racing.find(({ status }) => status === 201)?.json['client_id'];
    expect(await findClient(guarded.services, String(made))).toMatchObject({ origin: 'token' });

    const revoked = await make(1);
    expect(await revokeRegistrationToken(guarded.services, revoked.id)).toBe(true);
    expect(await posts(guarded, asked, bearer(revoked.text))).toMatchObject({ status: 401 });
    const old = await make(1);
    guarded.advance(2 * hours);
    expect(await posts(guarded, asked, bearer(old.text))).toMatchObject({ status: 401 });
  });

  it('says so in the record without the token', async () => {
    const rows = await guarded.services.db
      .selectFrom('audit_events')
      .select(['type', 'actor', 'detail'])
      .execute();
    const types = rows.map(({ type, actor }) => `${actor} ${type}`);
    expect(types).toEqual(
      expect.arrayContaining([
        'operator registration_token.made',
        'operator registration_token.revoked',
        'client client.created',
      ]),
    );
  });
});

it('is not there unless the settings say so', async () => {
  const world = await openWorld();
  expect(await posts(world, asked)).toMatchObject({ status: 404 });
  const told = await send(`${world.issuer}/.well-known/openid-configuration`);
  expect(told.json).not.toHaveProperty('registration_endpoint');
  await world.close();
});
