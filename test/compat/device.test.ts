import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes, seconds } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

let world: World;
let device: CompatApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  device = await openCompatApp(world, {
    client_name: 'Speaker',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    redirect_uris: [],
    scope: 'profile alexa:all',
  });
  account = await world.account({ profile: { name: 'Ada Example' } });
});
afterAll(() => world.close());

type Pair = { user_code: string; device_code: string; verification_uri: string };

async function asksForCodes(more: Record<string, unknown> = {}, as: 'form' | 'json' = 'form') {
  const body = { response_type: 'device_code', client_id: device.clientId, scope: 'profile', ...more };
  return device.posts('/auth/O2/create/codepair', body, {}, as);
}
const polls = (pair: Pair, more: Record<string, string> = {}) =>
  device.posts('/auth/o2/token', {
    grant_type: 'device_code',
    device_code: pair.device_code,
    user_code: pair.user_code,
    ...more,
  });

async function decides(person: Person, pair: Pair, decision: 'allow' | 'deny') {
  await person.goes(`${pair.verification_uri}?cbl-code=${pair.user_code}`);
  expect(person.text).toContain('Continue');
  // Filled in already: devices write the code's name in this way.
  await person.submits({});
  if (person.heading === 'Sign in') {
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ user_code: pair.user_code });
  }
  expect(person.text).toContain('Speaker');
  await person.submits({ decision });
}

describe('a device without a keyboard', () => {
  it.each(['form', 'json'] as const)(
    'asks with a pair of codes, as %s, and gets tokens it keeps',
    async (as) => {
      const scopeData = {
        'alexa:all': { productID: 'x', productInstanceAttributes: { deviceSerialNumber: '1' } },
      };
      const asked = await asksForCodes(
        { scope: 'profile alexa:all', scope_data: as === 'json' ? scopeData : JSON.stringify(scopeData) },
        as,
      );
      expect([asked.status, Object.keys(asked.json)]).toEqual([
        200,
        ['user_code', 'device_code', 'verification_uri', 'expires_in', 'interval'],
      ]);
      expect(asked.json).toMatchObject({ expires_in: 600, verification_uri: `${world.issuer}/device` });
      const pair = asked.json as unknown as Pair;
      for (let times = 0; times < 3; times += 1) {
        const pending = await polls(pair);
        expect([pending.status, pending.json['error']]).toEqual([400, 'authorization_pending']);
        // Theirs ask every five seconds, whatever they are told.
        world.advance(5 * seconds);
      }
      await decides(world.person(), pair, 'allow');
      const { status, json } = await polls(pair);
      expect([status, json['token_type'], json['expires_in']]).toEqual([200, 'bearer', 3600]);
      expect(json['refresh_token']).toMatch(/^Atzr\|/);
      expect((await device.profile(String(json['access_token']))).json).toMatchObject({
        name: 'Ada Example',
      });
      const again = await device.refreshes(String(json['refresh_token']));
      expect([again.status, again.json['refresh_token']]).toEqual([200, json['refresh_token']]);
      expect((await polls(pair)).json['error']).toBe('invalid_grant');
    },
  );

  it('is told when the person says no, when it is too late, and when the codes are not a pair', async () => {
    const [denied, late] = [(await asksForCodes()).json, (await asksForCodes()).json] as unknown as [
      Pair,
      Pair,
    ];
    expect((await polls({ ...denied, user_code: late.user_code })).json).toMatchObject({
      error: 'invalid_code_pair',
    });
    expect((await polls({ ...denied, device_code: 'x' })).json).toMatchObject({ error: 'invalid_code_pair' });
    const other = await openCompatApp(world);
    expect((await polls(denied, other.own)).json).toMatchObject({ error: 'invalid_code_pair' });
    await decides(world.person(), denied, 'deny');
    expect((await polls(denied)).json).toMatchObject({ error: 'invalid_grant' });
    // Whose codes ran out asks for others, as whose codes are none; a no ends it.
    for (const wait of [10 * minutes + 1 * seconds, 11 * minutes]) {
      world.advance(wait);
      expect((await polls(late)).json).toMatchObject({ error: 'invalid_code_pair' });
    }
  });

  it.each<[string, 'form' | 'json', object]>([
    ['in JSON', 'json', {}],
    ['by the name of the standard', 'form', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }],
    ['and says who it is', 'form', { client_id: '' }],
  ])('may ask %s, and slower when it asks too often', async (_how, as, more) => {
    const { device_code, user_code } = (await asksForCodes()).json;
    const own = 'client_id' in more ? device.own : more;
    const body = { grant_type: 'device_code', device_code, user_code, ...own };
    const asks = async () => (await device.posts('/auth/O2/token', body, {}, as)).json['error'];
    await world.still(async () => {
      expect(await asks()).toBe('authorization_pending');
      world.advance(4 * seconds);
      expect(await asks()).toBe('slow_down');
    });
    const { json } = await device.posts('/auth/o2/token', { ...body, user_code: undefined }, {}, 'json');
    expect(json['error_description']).toBe('The request is missing a required parameter : user_code');
  });

  it.each([
    [{ scope: 'bogus' }, 400, 'invalid_scope'],
    [{ scope: 'alexa:other' }, 400, 'invalid_scope'],
    [{ response_type: 'code' }, 400, 'invalid_request'],
    [{ client_id: '' }, 400, 'invalid_request'],
    [{ client_id: 'nobody' }, 401, 'invalid_client'],
  ])('that asks with %j is refused', async (more, status, error) => {
    const asked = await asksForCodes(more);
    expect([asked.status, asked.json['error']]).toEqual([status, error]);
  });

  it('of an app that is not for devices is refused', async () => {
    const shop = await openCompatApp(world);
    expect((await asksForCodes({ client_id: shop.clientId })).json).toMatchObject({
      error: 'unauthorized_client',
    });
  });
});
