import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { providerAddresses } from '../../../src/oidc/provider-methods.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { costOf } from '../../support/timing.ts';
import { newAddress, send } from '../../support/wire.ts';
import type { World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';
import { faultsOf, gist } from './calm.ts';
import { malformedBodies, markup } from './malformed.ts';
import { rawGet, sendRaw } from './raw.ts';

// Hundreds of requests, one after the other, on a machine that does other things too.
const sweep = 600_000;

/** The protocol's endpoints, by the table of their addresses: OAuth errors or the error page, never a 5xx. */
describe.each(worldKinds)('the endpoints on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, { grant_types: ['authorization_code', 'refresh_token'] });
  });
  afterAll(async () => {
    await world.close();
  });

  const endpoints = (method: string) =>
    Object.entries(providerAddresses)
      .filter(([, { methods }]) => methods.includes(method))
      .map(([path]) => path);

  /** Everything an endpoint may be sent by name (RFC 6749, 7009, 7662, 9126, OpenID Connect Core, RP-Initiated Logout). */
  const parameters = [
    'grant_type',
    'client_id',
    'client_secret',
    'code',
    'code_verifier',
    'redirect_uri',
    'refresh_token',
    'scope',
    'token',
    'token_type_hint',
    'response_type',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'max_age',
    'ui_locales',
    'login_hint',
    'id_token_hint',
    'claims',
    'display',
    'acr_values',
    'response_mode',
    'request',
    'request_uri',
    'resource',
    'dpop_jkt',
    'client_assertion',
    'client_assertion_type',
    'access_token',
    'post_logout_redirect_uri',
    'logout_hint',
    'registration',
    'web_message_uri',
  ];

  const values: Record<string, string> = {
    'a NUL': 'a%00b',
    'no UTF-8': '%ff%fe',
    'an overlong slash': '%c0%af',
    'half a surrogate pair': '%ed%a0%80',
    'a broken escape': '%zz',
    'an ANSI escape': '%1b[31m',
    'a line end': 'a%0d%0aSet-Cookie:%20a=b',
    nothing: '',
    markup: encodeURIComponent(markup),
    SQL: encodeURIComponent(`' OR 1=1 -- %_\\`),
    JSON: encodeURIComponent('{"$gt":"","__proto__":{"polluted":1}}'),
    'a JWT of nothing': 'eyJhbGciOiJub25lIn0.e30.',
    'a JWT of junk': 'eyJhbGciOiJIUzI1NiIsImp3ayI6e319.bnVsbA.AAAA',
    'a large number': '9007199254740993',
    'a negative number': '-1',
    words: 'openid%20email%20__proto__%20constructor%20openid',
    '4,000 characters': 'a'.repeat(4000),
    'a path': '..%2f..%2f..%2fetc%2fpasswd',
  };

  /** Where a parameter is read from matters little once it is; these are tried on every endpoint. */
  const nasty = new Set(['a NUL', 'no UTF-8', 'markup', 'JSON', 'a large number']);

  function request(given: Record<string, string>): string {
    return Object.entries({ ...Object.fromEntries(app.asks().url.searchParams), ...given })
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
  }

  it(
    'answer parameters that make no sense, each in its turn',
    async () => {
      const faults: string[] = [];
      // A redirect URI that is not the app's is shown to its developer, with every character that could do harm spelled out.
      const sent = [markup, '\r\nSet-Cookie: a=b'];
      for (const name of parameters)
        for (const [what, value] of Object.entries(values)) {
          const query = request({ [name]: value });
          const host = `Host: ${new URL(world.issuer).host}`;
          for (const path of ['/authorize', '/logout']) {
            const from = `X-Forwarded-For: ${newAddress()}`;
            const answer = await sendRaw(
              world.port,
              rawGet(`${path}?${query}`, [host, 'Accept: text/html', from]),
            );
            const said = `GET ${path} with ${what} for ${name}: ${gist(answer)}`;
            for (const fault of faultsOf(answer, { sent })) faults.push(`${said}: ${fault}`);
            if (/(^|, ?)a=b/.test(String(answer.headers['set-cookie']))) faults.push(`${said}: a cookie`);
            const location = answer.headers.location ?? '';
            if (
              !location.startsWith(`${app.redirectUri}?`) &&
              !/^(\/interaction\/|\/logout\/success$|$)/.test(location)
            )
              faults.push(`${said}: leads to ${location}`);
          }
          if (!nasty.has(what)) continue;
          for (const path of endpoints('POST')) {
            const body = `${name}=${value}&${request({})}&grant_type=authorization_code&code=x&token=x`;
            const type = { 'content-type': 'application/x-www-form-urlencoded' };
            const headers = { ...app.basic(), ...type, 'x-forwarded-for': newAddress() };
            const answer = await send(`${world.issuer}${path}`, { method: 'POST', body, headers });
            for (const fault of faultsOf(answer, { sent }))
              faults.push(`POST ${path} with ${what} for ${name}: ${gist(answer)}: ${fault}`);
          }
        }
      expect(faults).toEqual([]);
    },
    sweep,
  );

  it(
    'answer malformed bodies',
    async () => {
      const faults: string[] = [];
      for (const path of endpoints('POST'))
        for (const [what, { body, headers }] of Object.entries(
          malformedBodies(['grant_type', 'client_id', 'code', 'token', 'scope']),
        ))
          for (const auth of [{}, app.basic()]) {
            const answer = await send(`${world.issuer}${path}`, {
              method: 'POST',
              body,
              headers: { ...headers, ...auth, 'x-forwarded-for': newAddress() },
            });
            for (const fault of faultsOf(answer, { sent: [markup] }))
              faults.push(`POST ${path}, ${what}: ${gist(answer)}: ${fault}`);
            if (answer.status === 200 && path !== '/revoke')
              faults.push(`POST ${path}, ${what}: ${answer.text}`);
          }
      expect(faults).toEqual([]);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
    sweep,
  );

  it(
    'answer credentials that are none',
    async () => {
      const faults: string[] = [];
      const basic = (text: string | Buffer) => `Basic ${Buffer.from(text as string).toString('base64')}`;
      const headers = [
        'Basic',
        'Basic !!!',
        'Basic =',
        basic(':'),
        basic('a'),
        basic('%00:%00'),
        basic('%ff:%zz'),
        basic(Buffer.from([0xff, 0x3a, 0xfe])),
        basic(`${app.clientId}:%00`),
        basic(`${app.clientId}:${'a'.repeat(8000)}`),
        basic('__proto__:constructor'),
        basic(`${markup}:x`),
        'Bearer',
        'Bearer a b',
        `Bearer ${'a'.repeat(9000)}`,
        'Bearer __proto__',
        'Bearer ....',
        'DPoP x',
        'Digest x',
        ', ,',
      ];
      for (const path of Object.keys(providerAddresses))
        for (const authorization of headers) {
          const method = endpoints('POST').includes(path) ? 'POST' : 'GET';
          const answer = await send(`${world.issuer}${path}`, {
            method,
            ...(method === 'POST'
              ? { body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', token: 'x' }) }
              : {}),
            headers: {
              authorization,
              dpop: authorization.includes('DPoP') ? 'a.b.c' : '',
              'x-forwarded-for': newAddress(),
            },
          });
          for (const fault of faultsOf(answer, { sent: [markup] }))
            faults.push(`${method} ${path} as ${authorization.slice(0, 40)}: ${gist(answer)}: ${fault}`);
        }
      expect(faults).toEqual([]);
    },
    sweep,
  );

  it('know their methods', async () => {
    const faults: string[] = [];
    for (const [path, { methods }] of Object.entries(providerAddresses))
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
        if (methods.includes(method)) continue;
        const answer = await send(`${world.issuer}${path}`, { method });
        const allow = (answer.headers.allow ?? '').split(', ');
        const said = `${method} ${path}: ${gist(answer)} ${allow}`;
        if (answer.status !== 405 || !methods.every((one) => allow.includes(one))) faults.push(said);
        for (const fault of faultsOf(answer)) faults.push(`${said}: ${fault}`);
      }
    expect(faults).toEqual([]);
  });

  it('refuse a scope of 25,000 words at once, and store nothing', async () => {
    for (const scope of ['a '.repeat(25_000), 'openid '.repeat(2_000), `openid\nadmin`, 'o'.repeat(60_000)]) {
      const body = new URLSearchParams({ ...Object.fromEntries(app.asks().url.searchParams), scope });
      const cost = await costOf(async () => {
        const answer = await app.posts('pushed_authorization_request', body);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
      });
      expect(cost).toBeLessThan(300);
    }
  });
});
