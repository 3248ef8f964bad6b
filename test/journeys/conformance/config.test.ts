import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerClient } from '../../../src/actions/register-client.ts';
import { examine } from '../../../src/operator/doctor.ts';
import { readSettings } from '../../../src/settings.ts';
import { wayTo } from '../../../src/web/egress.ts';
import type { Person } from '../../support/person.ts';
import { payloadOf } from '../../support/signatures.ts';
import { openSigningApp, seconds } from '../../support/signing-app.ts';
import { suiteIssuer as issuer, suiteSettings } from '../../support/suite-settings.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';

/** What the plans "Config" and "Dynamic" look at, on a server with the profile for the suite. */
let world: World;
beforeAll(async () => {
  world = await openWorld(suiteSettings);
});
afterAll(() => world.close());

async function reads(path: string): Promise<Record<string, unknown>> {
  const { status, headers, json } = await send(`${issuer}${path}`, { port: world.port });
  expect([status, headers['content-type']]).toEqual([
    200,
    expect.stringMatching(/^application\/(jwk-set\+)?json/),
  ]);
  return json;
}

async function registers(metadata: object) {
  const { status, json } = await send(`${issuer}/register`, {
    port: world.port,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': newAddress() },
    body: JSON.stringify({ redirect_uris: ['https://suite.example.test/callback'], ...metadata }),
  });
  return { status, json: json as { client_id: string; client_secret: string } & Record<string, unknown> };
}

describe('oidcc-discovery-endpoint-verification', () => {
  it('says what there is, at addresses below the issuer', async () => {
    const said = await reads('/.well-known/openid-configuration');
    expect(said).toMatchObject({
      issuer,
      scopes_supported: expect.arrayContaining([
        'openid',
        'profile',
        'email',
        'address',
        'phone',
        'offline_access',
      ]),
      response_types_supported: expect.arrayContaining([
        'code',
        'id_token',
        'code id_token',
        'code id_token token',
      ]),
      response_modes_supported: expect.arrayContaining(['query', 'fragment', 'form_post']),
      grant_types_supported: expect.arrayContaining(['authorization_code', 'implicit', 'refresh_token']),
      subject_types_supported: expect.arrayContaining(['public', 'pairwise']),
      id_token_signing_alg_values_supported: expect.arrayContaining(['RS256']),
      claims_parameter_supported: true,
      claim_types_supported: ['normal'],
      display_values_supported: ['page'],
      backchannel_user_code_parameter_supported: false,
      request_uri_parameter_supported: false,
      claims_supported: expect.arrayContaining([
        'sub',
        'name',
        'email',
        'phone_number',
        'address',
        'auth_time',
        'acr',
      ]),
    });
    for (const [name, value] of Object.entries(said))
      if (/_endpoint$|^jwks_uri$/.test(name)) expect(value).toMatch(new RegExp(`^${issuer}/`));
    // Said nowhere: languages of claims, anything unsigned or symmetric, and what the engine dropped.
    for (const name of ['claims_locales_supported', 'check_session_iframe', 'frontchannel_logout_supported'])
      expect(said).not.toHaveProperty(name);
    for (const [name, values] of Object.entries(said))
      if (/_alg_values_supported$/.test(name))
        for (const weak of ['none', 'HS256', 'RSA1_5', 'dir', 'A128KW']) expect(values).not.toContain(weak);
    expect(await reads('/.well-known/oauth-authorization-server')).toMatchObject({ issuer });
    const { keys } = (await reads('/jwks')) as { keys: { kid: string; use: string }[] };
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
  });
});

describe('an app of the suite', () => {
  const challenge = createHash('sha256').update('x').digest('base64url');
  async function answerTo(person: Person, params: Record<string, string>): Promise<URL> {
    await person.goes(`${issuer}/authorize?${new URLSearchParams(params)}`);
    return person.left ?? new URL('about:blank');
  }

  it('registers itself, asks without PKCE, and shows the consent page the first time', async () => {
    const { status, json } = await registers({ client_name: 'suite' });
    expect(status).toBe(201);
    const account = await world.account();
    const person = world.person();
    await answerTo(person, {
      client_id: json.client_id,
      redirect_uri: 'https://suite.example.test/callback',
      response_type: 'code',
      scope: 'openid email',
      state: 's',
    });
    await person.signsIn(account);
    expect(person.heading).toContain('suite');
    await person.decides('allow');
    const form = {
      grant_type: 'authorization_code',
      code: String(person.left?.searchParams.get('code')),
      redirect_uri: 'https://suite.example.test/callback',
    };
    const basic = Buffer.from(`${json.client_id}:${json.client_secret}`).toString('base64');
    const answer = await send(`${issuer}/token`, {
      port: world.port,
      body: new URLSearchParams(form),
      headers: { authorization: `Basic ${basic}` },
    });
    expect([answer.status, payloadOf(String(answer.json['id_token']))['aud']]).toEqual([200, json.client_id]);
  });

  it('shows it also where an operator marked the app as ours, once', async () => {
    const redirect_uri = 'https://ours.example.test/callback';
    const metadata = { first_party: true, require_pkce: false, redirect_uris: [redirect_uri] };
    const added = await registerClient(world.services, { clientId: 'ours', metadata });
    expect(added.ok).toBe(true);
    const [account, person] = [await world.account(), world.person()];
    const asked = { client_id: 'ours', redirect_uri, response_type: 'code', scope: 'openid' };
    await answerTo(person, asked);
    await person.signsIn(account);
    expect([person.left, person.path]).toEqual([undefined, expect.stringMatching(/^\/interaction\//)]);
    await person.decides('allow');
    expect(person.left?.searchParams.has('code')).toBe(true);
    const again = await answerTo(person, { ...asked, prompt: 'none' });
    expect(again.searchParams.has('code')).toBe(true);
  });

  it('gets the implicit and hybrid flows when it registers them', async () => {
    const wanted = { grant_types: ['authorization_code', 'implicit'], response_types: ['code id_token'] };
    const { status, json } = await registers(wanted);
    expect([status, json['response_types']]).toEqual([201, ['code id_token']]);
    expect(json).not.toHaveProperty('allow_implicit');
    const person = world.person();
    const params = {
      client_id: json.client_id,
      redirect_uri: 'https://suite.example.test/callback',
      response_type: 'code id_token',
      scope: 'openid',
      nonce: 'n',
      prompt: 'none',
    };
    const left = await answerTo(person, params);
    expect(new URLSearchParams(left.hash.slice(1)).get('error')).toBe('login_required');
  });

  it('still needs PKCE without a secret', async () => {
    const { json } = await registers({ token_endpoint_auth_method: 'none' });
    const params = {
      client_id: json.client_id,
      redirect_uri: 'https://suite.example.test/callback',
      response_type: 'code',
      scope: 'openid',
    };
    const without = await answerTo(world.person(), params);
    expect(without.searchParams.get('error')).toBe('invalid_request');
    const proving = { ...params, code_challenge: challenge, code_challenge_method: 'S256', prompt: 'none' };
    expect((await answerTo(world.person(), proving)).searchParams.get('error')).toBe('login_required');
  });
});

describe('clocks', () => {
  it.each([
    [3, 201],
    [10, 201],
    [61, 401],
  ])(
    'of an app %d seconds ahead are answered with %d (FAPI 2.0 Security Profile 5.3.2.1)',
    async (by, status) => {
      const app = await openSigningApp(world, { high_assurance: true });
      const answer = await world.still(() => {
        const [iat, nbf] = [seconds() + by, seconds() + by];
        const form = { ...app.params(), ...app.assertion({ iat, nbf, exp: iat + 60 }) };
        return send(`${issuer}/par`, { port: world.port, body: new URLSearchParams(form) });
      });
      expect(answer.status).toBe(status);
    },
  );
});

describe('the profile', () => {
  it('is for a server that was told so twice, and is told by the doctor', async () => {
    expect(() => readSettings({ PROFILE: 'conformance' })).toThrow(/CONFORMANCE_ISSUER/);
    expect(() => readSettings({ PROFILE: 'conformance', CONFORMANCE_ISSUER: issuer })).toThrow(
      /CONFORMANCE_ISSUER/,
    );
    expect(readSettings({})).toMatchObject({ conformance: false, DYNAMIC_REGISTRATION: 'off' });
    const suite = new URL('https://localhost.suite.example.test:8443/jwks');
    expect(wayTo(suite, world.services.settings)).toBe('loopback');
    expect(wayTo(suite, readSettings({ ALLOW_LOOPBACK_FETCH: 'on' }))).toBe('none');
    const findings = await examine(world.environment);
    expect(findings).toContainEqual(
      expect.objectContaining({ verdict: 'WARN', finding: expect.stringMatching(/^PROFILE/) }),
    );
  });
});
