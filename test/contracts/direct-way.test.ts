import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerApi } from '../../src/actions/register-api.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  asks,
  basic as basicOf,
  comparable,
  type Form,
  type Headers,
  type Way,
  wentDirect,
} from '../support/two-ways.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

const lasting = { scope: 'openid profile email offline_access' };

describe.each(worldKinds)('the direct way on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let machine: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, { id_token_signed_response_alg: 'ES256' });
    machine = await openRelyingParty(world, { grant_types: ['authorization_code', 'client_credentials'] });
    account = await world.account();
  });
  afterAll(() => world.close());

  const basic = (by: RelyingParty, secret = by.clientSecret) => basicOf(by.clientId, secret);

  async function both(make: () => Promise<{ path: string; headers: Headers; form?: Form }>) {
    const answers: Record<Way, Answer> = {} as never;
    for (const way of ['direct', 'engine'] as const) {
      const { path, headers, form } = await make();
      answers[way] = await asks(world, way, { path, headers, form });
    }
    expect(comparable(answers.direct)).toEqual(comparable(answers.engine));
    expect(wentDirect(answers.engine)).toBe(false);
    return answers.direct;
  }

  async function exchange(changes: Form = {}): Promise<Form> {
    const person = world.person();
    const { code, attempt } = await app.getsCode(person, account, lasting);
    return {
      grant_type: 'authorization_code',
      code,
      code_verifier: attempt.verifier,
      redirect_uri: app.redirectUri,
      ...changes,
    };
  }

  async function tokens(): Promise<Form> {
    const answer = await asks(world, 'engine', {
      path: '/token',
      headers: basic(app),
      form: await exchange(),
    });
    return answer.json as Form;
  }

  const token = (make: () => Promise<Form>, headers: Headers = basic(app)) =>
    both(async () => ({ path: '/token', headers, form: await make() }));

  it('redeems a code, refreshes, and gives a machine its token, as the engine does', async () => {
    const inForm = { client_id: app.clientId, client_secret: String(app.clientSecret) };
    const answers = [
      await token(() => exchange()),
      await token(() => exchange(inForm), {}),
      await token(async () => ({
        grant_type: 'refresh_token',
        refresh_token: String((await tokens())['refresh_token']),
      })),
      await token(async () => ({
        grant_type: 'refresh_token',
        refresh_token: String((await tokens())['refresh_token']),
        scope: 'openid',
      })),
      await token(async () => ({ grant_type: 'client_credentials' }), basic(machine)),
      await token(async () => ({ grant_type: 'client_credentials', scope: 'openid' }), basic(machine)),
    ];
    expect(answers.map(({ status }) => status)).toEqual(Array(answers.length).fill(200));
    expect(answers.map(wentDirect)).toEqual(Array(answers.length).fill(true));
  });

  it('refuses a grant as the engine does, and counts it', async () => {
    const answers = [
      await token(() => exchange({ code_verifier: 'x'.repeat(43) })),
      await token(() => exchange({ redirect_uri: 'https://elsewhere.example.test/' })),
      await token(() => exchange({ code: 'nonsense' })),
      await token(async () => ({ grant_type: 'refresh_token', refresh_token: 'nonsense' })),
      await token(async () => ({
        grant_type: 'refresh_token',
        refresh_token: String((await tokens())['refresh_token']),
        scope: 'openid phone',
      })),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(wentDirect(answer)).toBe(true);
    }
  });

  it('leaves to the engine whoever does not prove who they are, and what is not plain', async () => {
    const plain = async () => ({ grant_type: 'client_credentials' });
    const answers = [
      await token(plain, basic(machine, 'wrong')),
      await token(plain, basic(machine, `${machine.clientSecret}\u0000`)),
      await token(plain, { authorization: 'Basic !' }),
      await token(plain, {}),
      await token(plain, basic(app)),
      await token(async () => ({ grant_type: 'nonsense' }), basic(machine)),
      await token(async () => ({ grant_type: 'client_credentials', scope: 'a"b' }), basic(machine)),
      await token(async () => ({ grant_type: 'client_credentials', client_id: 'another' }), basic(machine)),
      await token(
        async () => ({ grant_type: 'client_credentials', client_secret: String(machine.clientSecret) }),
        basic(machine),
      ),
      await token(plain, { ...basic(machine), origin: 'https://app.example.test' }),
      await token(plain, { ...basic(machine), dpop: 'nonsense' }),
      await token(plain, { ...basic(machine), 'content-type': 'text/plain' }),
    ];
    expect(answers.filter(wentDirect)).toEqual([]);
  });

  it('leaves to the engine what is for an API, and makes the tokens of such a grant as the engine does', async () => {
    const resource = 'https://api.example.test';
    const scopes = [{ name: 'api:read', title: 'Read' }];
    await registerApi(world.services, {
      identifier: resource,
      name: 'Example API',
      open_to_all: true,
      scopes,
    });
    const plain = { grant_type: 'client_credentials' };
    const details = JSON.stringify([{ type: 'payment' }]);
    const exchanged = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'x' };
    const answers = [
      await token(async () => ({ ...plain, resource }), basic(machine)),
      await token(async () => ({ ...plain, resource: 'https://other.test' }), basic(machine)),
      await token(async () => ({ ...plain, resource, authorization_details: details }), basic(machine)),
      await token(async () => exchanged, basic(machine)),
    ];
    const made = await asks(world, 'engine', {
      path: '/token',
      headers: basic(machine),
      form: { ...plain, resource },
    });
    const jwt = String(made.json['access_token']);
    answers.push(
      await both(async () => ({ path: '/introspect', headers: basic(machine), form: { token: jwt } })),
    );
    expect(answers.filter(wentDirect)).toEqual([]);
    expect(answers.at(-1)?.json).toMatchObject({ active: true, aud: resource });

    const given = await token(async () => {
      const params = { scope: 'openid offline_access api:read', resource };
      const { code, attempt } = await app.getsCode(world.person(), account, params);
      const { verifier: code_verifier } = attempt;
      return { grant_type: 'authorization_code', code, code_verifier, redirect_uri: app.redirectUri };
    });
    expect(wentDirect(given)).toBe(true);
  });

  it('reads a body that comes in pieces, late, or too long, as the engine does', async () => {
    const form = 'grant_type=client_credentials';
    const long = `${form}&pad=${'x'.repeat(10_000)}`;
    for (const body of [form, long, `${form}&scope=`, `${form}&${form}`, '%', '']) {
      const type = { 'content-type': 'application/x-www-form-urlencoded' };
      const headers = { ...basic(machine), ...type };
      const [direct, engine] = await Promise.all(
        ['/token', '/token/'].map((path) =>
          send(new URL(path, world.issuer), {
            method: 'POST',
            headers: { ...headers, 'x-forwarded-for': newAddress() },
            body,
          }),
        ),
      );
      expect(comparable(direct as Answer)).toEqual(comparable(engine as Answer));
    }
  });

  it('tells of tokens, and of the person, as the engine does', async () => {
    const { access_token = '', refresh_token = '' } = await tokens();
    const machineToken = await asks(world, 'engine', {
      path: '/token',
      headers: basic(machine),
      form: { grant_type: 'client_credentials' },
    });
    const introspect = (value: string, by = app, more: Form = {}) =>
      both(async () => ({ path: '/introspect', headers: basic(by), form: { token: value, ...more } }));
    const shown = [
      await introspect(access_token),
      await introspect(access_token, app, { token_type_hint: 'access_token' }),
      await introspect(String(machineToken.json['access_token']), machine),
      await both(async () => ({ path: '/userinfo', headers: { authorization: `Bearer ${access_token}` } })),
    ];
    for (const answer of shown) {
      expect(answer.status).toBe(200);
      expect(wentDirect(answer)).toBe(true);
    }
    for (const value of [refresh_token, 'nonsense', access_token.slice(1)]) await introspect(value);
    expect((await introspect(access_token, machine)).json).toEqual({ active: false });
    for (const authorization of [
      'Bearer nonsense',
      `bearer ${access_token}`,
      `Basic ${access_token}`,
      `Bearer ${access_token} x`,
    ])
      await both(async () => ({ path: '/userinfo', headers: { authorization } }));
  });

  it('lets nobody in whom the engine would not: the account was suspended, the grant revoked', async () => {
    const other = await world.account();
    const mine = (await app.signsIn(world.person(), other, lasting)).access_token;
    await suspendAccount(world.services, { accountId: other.accountId, reason: 'test' });
    await both(async () => ({ path: '/userinfo', headers: { authorization: `Bearer ${mine}` } }));
    const told = await both(async () => ({
      path: '/introspect',
      headers: basic(app),
      form: { token: mine },
    }));
    expect(told.json).toEqual({ active: false });
  });
});
