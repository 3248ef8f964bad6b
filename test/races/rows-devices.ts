import { grantIdLength } from '../../src/oidc/live-layout.ts';
import { decisions } from './decisions.ts';
import { type Answer, jsonOf, locationOf } from './last-byte.ts';
import { type App, byApp, firstParty, type Member, memberOf, newApp } from './people.ts';
import { primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { limited } from './rows-sign-in.ts';
import { besides, tokenOf, userinfo } from './tokens.ts';

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

async function newCodes(world: RaceWorld, app: App): Promise<Codes> {
  const answer = await world.nodes[0].ask(
    byApp(app, '/device/authorize', { scope: 'openid offline_access' }),
  );
  if (answer.status !== 200) throw new Error(`no device code: ${answer.status} ${answer.body}`);
  return jsonOf(answer) as Codes;
}

const press = ({ browser }: Member, { user_code }: Codes, decision: string) =>
  browser.request('/device/decision', { user_code, decision });

const given = (answer: Answer) => tokenOf(answer, 'access_token');

/** What was given once stays good, however many asked for it: docs/decisions/0027. */
async function stillGood(world: RaceWorld, answers: readonly Answer[]): Promise<string[]> {
  const tokens = answers.map(given).filter((token) => token !== false);
  const told = await Promise.all(tokens.map((token) => world.nodes[1].ask(userinfo(token))));
  return told.filter(({ status }) => status !== 200).map(({ status }) => `the token is dead: ${status}`);
}

const device = primitive({
  name: 'device code',
  uses: 20,
  most: 1,
  async make(world, slot) {
    const [app, member] = [await theApp(world), await memberOf(world, slot)];
    const codes = await newCodes(world, app);
    const pressed = await world.nodes[1].ask(press(member, codes, 'allow'));
    if (locationOf(pressed) !== '/device/allowed') throw new Error(`not allowed: ${pressed.status}`);
    return { app, accountId: member.accountId, codes };
  },
  use: ({ app, codes }) => ({
    request: byApp(app, '/token', { grant_type: deviceCode, device_code: codes.device_code }),
  }),
  wins: given,
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: async (_world, { codes }, keys) => besides(codes.device_code, 'a', keys),
  alarm: 'never',
  after: (world, _artefact, answers) => stillGood(world, answers),
});

type Deciding = { app: App; member: Member; accountId: string; codes: Codes };

const decided = (answer: Answer) =>
  answer.status === 303 && /^\/device\/(allowed|denied)$/.test(locationOf(answer));

const allowOrDeny = primitive({
  name: 'device code (allow vs deny)',
  uses: 20,
  most: 1,
  async make(world, slot): Promise<Deciding> {
    const [app, member] = [await newApp(world, asks), await memberOf(world, slot)];
    return { app, member, accountId: member.accountId, codes: await newCodes(world, app) };
  },
  use: ({ member, codes }, place) => ({
    request: press(member, codes, Math.floor(place / 2) % 2 ? 'deny' : 'allow'),
  }),
  wins: decided,
  // More at once than the guesses that one account has: each press looks for the code, and what found it is given back.
  losers: [{ status: 409 }, limited],
  effects: (world, { accountId, app: { clientId } }) =>
    decisions(world, { accountId, clientId }, ['device.allowed', 'device.denied']),
  alarm: 'never',
  // What is told to the person is what the app gets.
  async after(world, { app, codes }, answers) {
    const [winner] = answers.filter(decided);
    if (!winner) return [];
    const told = await world.nodes[0].ask(byApp(app, '/token', { grant_type: deviceCode, ...codes }));
    const got = told.status === 200 ? 'allowed' : String(jsonOf(told)['error']);
    const right = locationOf(winner).endsWith('allowed') ? 'allowed' : 'access_denied';
    return got === right ? [] : [`the person was sent to ${locationOf(winner)}, the app got ${got}`];
  },
});

const authReqId = primitive({
  name: 'auth_req_id (CIBA)',
  uses: 20,
  most: 1,
  async make(world, slot) {
    // An app of its own: one that asks a person over and over is limited.
    const [app, member] = [await newApp(world, asks), await memberOf(world, slot)];
    const form = { scope: 'openid', login_hint: member.address };
    const asked = await world.nodes[0].ask(byApp(app, '/backchannel', form));
    const name = String(jsonOf(asked)['auth_req_id']);
    const id = name.slice(0, grantIdLength);
    // As a person would find it, without waiting until it is listed.
    const path = `/account/requests/${id}`;
    const pressed = await world.nodes[1].ask(member.browser.request(path, { decision: 'allow' }));
    if (pressed.status !== 303) throw new Error(`not allowed: ${pressed.status}`);
    return { app, accountId: member.accountId, name };
  },
  use: ({ app, name }) => ({
    request: byApp(app, '/token', { grant_type: ciba, auth_req_id: name }),
  }),
  wins: given,
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: async (_world, { name }, keys) => besides(name, 'a', keys),
  alarm: 'never',
  after: (world, _artefact, answers) => stillGood(world, answers),
});

export const deviceRows = [device, allowOrDeny, authReqId];
