import { grantIdLength } from '../../src/oidc/live-layout.ts';
import { type Answer, type Asked, jsonOf, locationOf, newAddress } from './last-byte.ts';
import { type App, firstParty, type Member, memberOf, newApp } from './people.ts';
import { type KeysByPartition, primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';

/** What is asked on one device and answered on another: codes of devices, and requests by name. */
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';
const ciba = 'urn:openid:params:grant-type:ciba';

const asks = {
  ...firstParty,
  grant_types: [deviceCode, ciba, 'refresh_token'],
  redirect_uris: [],
  backchannel_token_delivery_mode: 'poll',
};
const theApp = (world: RaceWorld) => world.once('an app that asks elsewhere', () => newApp(world, asks));

type Codes = { device_code: string; user_code: string };

async function post(world: RaceWorld, app: App, path: string, form: Asked['form']): Promise<Answer> {
  const headers = { ...app.basic, 'x-forwarded-for': newAddress() };
  return world.nodes[0].ask({ path, headers, ...(form ? { form } : {}) });
}

async function newCodes(world: RaceWorld, app: App): Promise<Codes> {
  const answer = await post(world, app, '/device/authorize', { scope: 'openid offline_access' });
  if (answer.status !== 200) throw new Error(`no device code: ${answer.status} ${answer.body}`);
  return jsonOf(answer) as Codes;
}

const press = ({ browser }: Member, { user_code }: Codes, decision: string) =>
  browser.request('/device/decision', { user_code, decision });

function questionOf(app: App, form: Record<string, string>): { request: Asked } {
  const headers = { ...app.basic, 'x-forwarded-for': newAddress() };
  return { request: { path: '/token', headers, form } };
}

const tokenIn = (answer: Answer) => {
  const token = answer.status === 200 ? jsonOf(answer)['access_token'] : undefined;
  return typeof token === 'string' ? token : false;
};

function tokensUnder(name: string, keys: KeysByPartition): number {
  return (keys.get(name.slice(0, grantIdLength)) ?? []).filter((key) => key.includes('}:a:')).length;
}

/** What was given once stays good, however many asked for it: docs/decisions/0027. */
async function stillGood(world: RaceWorld, answers: readonly Answer[]): Promise<string[]> {
  const tokens = answers.map(tokenIn).filter((token) => token !== false);
  const told = await Promise.all(
    tokens.map((token) => {
      const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': newAddress() };
      return world.nodes[1].ask({ path: '/userinfo', headers });
    }),
  );
  return told.filter(({ status }) => status !== 200).map(({ status }) => `the token is dead: ${status}`);
}

const device = primitive({
  name: 'device code',
  rests: 'live',
  uses: 20,
  most: 1,
  async make(world, slot) {
    const [app, member] = [await theApp(world), await memberOf(world, slot)];
    const codes = await newCodes(world, app);
    const pressed = await world.nodes[1].ask(press(member, codes, 'allow'));
    if (locationOf(pressed) !== '/device/allowed') throw new Error(`not allowed: ${pressed.status}`);
    return { app, accountId: member.accountId, codes };
  },
  use: ({ app, codes }) => questionOf(app, { grant_type: deviceCode, device_code: codes.device_code }),
  wins: tokenIn,
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: async (_world, { codes }, keys) => tokensUnder(codes.device_code, keys),
  alarm: 'never',
  after: (world, _artefact, answers) => stillGood(world, answers),
});

type Deciding = { app: App; member: Member; accountId: string; codes: Codes };

const decided = (answer: Answer) =>
  answer.status === 303 && /^\/device\/(allowed|denied)$/.test(locationOf(answer));

const allowOrDeny = primitive({
  name: 'device code (allow vs deny)',
  rests: 'live',
  // Fewer than the guesses that one account has: each press looks for the code.
  uses: 8,
  most: 1,
  async make(world, slot): Promise<Deciding> {
    const [app, member] = [await newApp(world, asks), await memberOf(world, slot)];
    return { app, member, accountId: member.accountId, codes: await newCodes(world, app) };
  },
  use: ({ member, codes }, place) => ({
    request: press(member, codes, Math.floor(place / 2) % 2 ? 'deny' : 'allow'),
  }),
  wins: decided,
  losers: [{ status: 409 }],
  effects: ({ desks: [{ db }] }, { accountId, app }) => decisions(db, accountId, app.clientId),
  alarm: 'never',
  // What is told to the person is what the app gets.
  async after(world, { app, codes }, answers) {
    const [winner] = answers.filter(decided);
    if (!winner) return [];
    const told = await post(world, app, '/token', { grant_type: deviceCode, ...codes });
    const got = told.status === 200 ? 'allowed' : String(jsonOf(told)['error']);
    const right = locationOf(winner).endsWith('allowed') ? 'allowed' : 'access_denied';
    return got === right ? [] : [`the person was sent to ${locationOf(winner)}, the app got ${got}`];
  },
});

async function decisions(db: RaceWorld['desks'][0]['db'], accountId: string, clientId: string) {
  const events = await db
    .selectFrom('audit_events')
    .where('account_id', '=', accountId)
    .where('client_id', '=', clientId)
    .where('type', 'in', ['device.allowed', 'device.denied'])
    .select('id')
    .execute();
  return events.length;
}

const authReqId = primitive({
  name: 'auth_req_id (CIBA)',
  rests: 'live',
  uses: 20,
  most: 1,
  async make(world, slot) {
    // An app of its own: one that asks a person over and over is limited.
    const [app, member] = [await newApp(world, asks), await memberOf(world, slot)];
    const form = { scope: 'openid', login_hint: member.address };
    const asked = await post(world, app, '/backchannel', form);
    const name = String(jsonOf(asked)['auth_req_id']);
    const id = name.slice(0, grantIdLength);
    // As a person would find it, without waiting until it is listed.
    const path = `/account/requests/${id}`;
    const pressed = await world.nodes[1].ask(member.browser.request(path, { decision: 'allow' }));
    if (pressed.status !== 303) throw new Error(`not allowed: ${pressed.status}`);
    return { app, accountId: member.accountId, name };
  },
  use: ({ app, name }) => questionOf(app, { grant_type: ciba, auth_req_id: name }),
  wins: tokenIn,
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: async (_world, { name }, keys) => tokensUnder(name, keys),
  alarm: 'never',
  after: (world, _artefact, answers) => stillGood(world, answers),
});

export const deviceRows = [device, allowOrDeny, authReqId];
