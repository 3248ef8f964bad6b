import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { malformedBodies } from '../journeys/hardening/malformed.ts';
import { newAddress, type Sent, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

let world: World;
let app: CompatApp;
beforeAll(async () => {
  world = await openWorld();
  app = await openCompatApp(world);
});
afterAll(() => world.close());

type Odd = { what: string; path: string; sent: Sent };

/** Each of them from an address of its own, so that no limit answers in the place of what is tried. */
async function faults(requests: readonly Odd[]): Promise<string[]> {
  const found: string[] = [];
  for (const { what, path, sent } of requests) {
    const headers = { 'x-forwarded-for': newAddress(), ...sent.headers };
    const answer = await send(`${world.issuer}${path}`, { ...sent, headers }).catch((error) => String(error));
    const said = typeof answer === 'string' ? answer : `${answer.status} ${answer.text.slice(0, 60)}`;
    const refused = typeof answer !== 'string' && answer.status >= 400 && answer.status < 500;
    const raw = typeof answer !== 'string' && /<img|onerror/.test(answer.text);
    if (!refused || raw) found.push(`${what} at ${path.slice(0, 40)}: ${said}`);
  }
  return found;
}

describe('what nobody sends on purpose', () => {
  it.each([
    ['/auth/o2/token', ['grant_type', 'code', 'client_id', 'client_secret']],
    ['/auth/O2/token', ['refresh_token', 'grant_type', 'client_id', 'client_secret']],
    ['/auth/o2/create/codepair', ['client_id', 'response_type', 'scope', 'scope_data']],
  ])('as the body of %s is refused in JSON', async (path, fields) => {
    const bodies = Object.entries(malformedBodies(fields)).map(([what, { body, headers }]) => ({
      what,
      path,
      sent: { method: 'POST', body, headers },
    }));
    const json = { 'content-type': 'application/json' };
    const texts = [
      '',
      '[]',
      'null',
      '"x"',
      '7',
      '{',
      '['.repeat(50_000),
      '{"grant_type":{"a":1}}',
      '{"client_id":7}',
    ];
    const inJson = texts.map((body) => ({
      what: `JSON ${body.slice(0, 20)}`,
      path,
      sent: { method: 'POST', body, headers: json },
    }));
    const basics = ['Basic', 'Basic !', 'Basic Og==', 'Bearer x', `Basic ${'A'.repeat(5000)}`].map(
      (authorization) => ({
        what: authorization.slice(0, 20),
        path,
        sent: { method: 'POST', body: 'grant_type=authorization_code&code=x', headers: { authorization } },
      }),
    );
    expect(await faults([...bodies, ...inJson, ...basics])).toEqual([]);
  });

  it('as a token or a request is refused as well', async () => {
    const values = [
      '%00',
      '%ff',
      '%zz',
      '%',
      '%C0%AF',
      '%ED%A0%80',
      'x'.repeat(3000),
      'Atza%7C',
      `Atza%7C${'A'.repeat(365)}`,
    ];
    const tokens = values.flatMap((value) =>
      ['/user/profile', '/ap/user/profile', '/auth/o2/tokeninfo'].map((path) => ({
        what: value.slice(0, 20),
        path: `${path}?access_token=${value}`,
        sent: {},
      })),
    );
    const headers = [
      'Bearer',
      'Bearer a b',
      'bearer \u00ff',
      'Negotiate x',
      `Bearer ${'a'.repeat(4000)}`,
    ].map((authorization) => ({
      what: authorization.slice(0, 20),
      path: '/user/profile',
      sent: { headers: { authorization } },
    }));
    const requests = values.flatMap((value) => [
      { what: value.slice(0, 20), path: `/ap/oa?client_id=${value}`, sent: {} },
      { what: value.slice(0, 20), path: `/ap/oa?client_id=${app.clientId}&redirect_uri=${value}`, sent: {} },
    ]);
    expect(await faults([...tokens, ...headers, ...requests])).toEqual([]);
  });

  it('as a token that was tampered with is nobody’s (TK-21)', async () => {
    const { access_token, refresh_token } = await app.signsIn(world.person(), await world.account());
    const changes: [string, (token: string) => string][] = [
      ['first letter cut', (token) => token.slice(1)],
      ['no prefix', (token) => token.slice(5)],
      ['a prefix in capitals', (token) => token.toUpperCase().slice(0, 5) + token.slice(5)],
      ['another prefix', (token) => `Btza|${token.slice(5)}`],
      ['last letter cut', (token) => token.slice(0, -1)],
      ['no filler', (token) => token.slice(0, 71)],
      ['an equals sign behind', (token) => `${token}=`],
      ['twice in a row', (token) => `${token}${token}`],
      ['percent-encoded twice', (token) => token.replace('|', '%257C')],
      ['the other kind of token', (token) => (token === access_token ? refresh_token : access_token)],
    ];
    const basic = { authorization: app.basic };
    for (const [what, change] of changes) {
      for (const path of ['/user/profile', '/auth/o2/tokeninfo'])
        expect([what, (await app.profile(change(access_token), path)).json['error']]).toEqual([
          what,
          'invalid_token',
        ]);
      const told = await app.posts('/introspect', { token: change(access_token) }, basic);
      if (what !== 'the other kind of token') expect([what, told.json['active']]).toEqual([what, false]);
      expect([what, (await app.refreshes(change(refresh_token))).json['error']]).toEqual([
        what,
        'invalid_grant',
      ]);
    }
    expect((await app.profile(access_token)).status).toBe(200);
    expect((await app.refreshes(refresh_token)).status).toBe(200);
  });

  it('as other methods is told which there are (HT-05)', async () => {
    for (const path of ['/auth/o2/token', '/user/profile', '/auth/o2/tokeninfo', '/auth/o2/create/codepair'])
      for (const method of ['PUT', 'PATCH', 'DELETE', 'FOO']) {
        const { status, headers } = await send(`${world.issuer}${path}`, { method });
        expect([path, method, status, Boolean(headers.allow)]).toEqual([
          path,
          method,
          method === 'FOO' ? 400 : 405,
          method !== 'FOO',
        ]);
      }
  });
});
