import { setTimeout as sleep } from 'node:timers/promises';
import { reinstateAccount } from '../../src/actions/reinstate-account.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { addTotp, listTotp, newTotpSecret } from '../../src/credentials/totp.ts';
import { changeTwoStep, turnOn } from '../../src/credentials/two-step.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { type Answer, jsonOf, locationOf, redirected } from './last-byte.ts';
import {
  type App,
  authorizationRequest,
  type Browser,
  bringToTheEnd,
  firstParty,
  newAccount,
  newApp,
  newCode,
  newMember,
  newVisit,
  ourApp,
  redemption,
  refreshing,
} from './people.ts';
import { primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { whatLives } from './tokens.ts';

/** What ends something while it is used: what is saved after the end must be dead. */

/** Which of the uses is the ending. */
const inBetween = 7;

/** Each of them at both nodes. */
const ofPlace = <Item>(items: readonly Item[], place: number) =>
  items[Math.floor(place / 2) % items.length] as Item;

/** A verb needs no way over a socket: it waits a moment, or until the first of the others has won. */
async function inTheMidst<Result>(first: Promise<unknown>, verb: () => Promise<Result>): Promise<Result> {
  await (Math.random() < 0.5 ? first : sleep(Math.random() * 20));
  return untilDone(verb);
}

/** As whoever is told 503: again. What a store was too slow for has ended nothing, and the row judges what ended. */
async function untilDone<Result>(verb: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await verb();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // Not a 503 any more, which would be excused.
      if (tries === 20) throw new Error('the ending was told 503 to the last', { cause: error });
    }
    await sleep(250);
  }
}

/** Apps that a session meets for the first time: authorizing one writes the session. */
function manyApps(world: RaceWorld): Promise<App[]> {
  return world.once('many apps', () =>
    Promise.all(Array.from({ length: 10 }, () => newApp(world, firstParty))),
  );
}

/** Whether the browser is still signed in. */
async function stillIn(world: RaceWorld, browser: Browser, app: App): Promise<string[]> {
  const query = new URLSearchParams(authorizationRequest(app, { prompt: 'none' }));
  const answer = await world.nodes[1].ask(browser.request(`/authorize?${query}`));
  const told = redirected(answer, 'error') ?? locationOf(answer);
  return told === 'login_required' ? [] : [`still signed in: ${told}`];
}

/** Some of the codes that got out, exchanged after the end. */
async function whatCodesGive(
  world: RaceWorld,
  apps: readonly App[],
  answers: readonly Answer[],
): Promise<string[]> {
  const got = answers.flatMap((answer, place) => {
    const [code, app] = [redirected(answer, 'code'), apps[place % apps.length]];
    return code && app ? [{ code, app }] : [];
  });
  const told = await Promise.all(
    [...got.slice(0, 2), ...got.slice(-2)].map(async ({ code, app }) =>
      whatLives(world, await world.nodes[0].ask(redemption(app, code))),
    ),
  );
  return told.flat();
}

const logout = primitive({
  name: 'logout vs in-flight request',
  uses: 20,
  most: 19,
  async make(world) {
    const apps = await manyApps(world);
    return { ...(await newMember(world)), apps };
  },
  // One leaves in the midst of it; the others come with the same cookie, each app at both nodes.
  use({ browser, apps }, place, world) {
    if (place !== inBetween) return { request: browser.authorization(ofPlace(apps, place)) };
    const leave = () => world.nodes[1].ask(browser.request('/account/sign-out', {}));
    return { verb: (_desk, first) => inTheMidst(first, leave) };
  },
  wins: (answer) => redirected(answer, 'code') ?? false,
  losers: [{ status: 200 }, { status: 400 }, { status: 303, leadsTo: /\/interaction\/[\w-]+$/ }],
  leaves: 0,
  effects: async (world, { accountId }) => (await listSessions(world.desks[0], accountId)).length,
  alarm: 'never',
  after: async (world, { browser, apps }, answers) => [
    ...(await stillIn(world, browser, apps[0] as App)),
    ...(await whatCodesGive(
      world,
      answers.map((_, place) => ofPlace(apps, place)),
      answers,
    )),
  ],
});

const suspend = primitive({
  name: 'suspend vs in-flight sign-in',
  uses: 20,
  most: 4,
  async make(world) {
    const app = await ourApp(world);
    const { accountId } = await newAccount(world);
    const visits = await Promise.all(Array.from({ length: 4 }, () => newVisit(world)));
    for (const visiting of visits) await bringToTheEnd(world, visiting, accountId);
    return { app, accountId, visits };
  },
  use({ accountId, visits }, place) {
    if (place === inBetween)
      return {
        verb: (desk, first) => inTheMidst(first, () => suspendAccount(desk, { accountId, reason: 'a race' })),
      };
    const { browser, uid } = ofPlace(visits, place);
    return { request: browser.request(`/authorize/${uid}`) };
  },
  wins: (answer) => redirected(answer, 'code') ?? false,
  losers: [
    { status: 200 },
    { status: 400 },
    { status: 410 },
    { status: 303, leadsTo: /\/interaction\/[\w-]+$/ },
    { status: 303, error: 'access_denied' },
  ],
  leaves: 0,
  // Grants that live on: introspection asks for nothing else.
  effects: async ({ desks: [desk] }, { accountId }) => (await listGrants(desk, accountId)).length,
  alarm: 'never',
  after: async (world, { app, accountId, visits }, answers) => {
    for (const [place, answer] of answers.entries()) ofPlace(visits, place).browser.keeps(answer);
    const ways = async () =>
      (await Promise.all(visits.map(({ browser }) => stillIn(world, browser, app)))).flat();
    const now = await ways();
    const codes = await whatCodesGive(world, [app], answers);
    // Ended is ended: what began before the suspension does not come back with the account.
    await reinstateAccount(world.desks[0], { accountId, reason: 'a race' });
    return [...now, ...codes, ...(await ways()).map((told) => `after the suspension: ${told}`)];
  },
});

const revoke = primitive({
  name: 'revoke vs in-flight refresh',
  uses: 20,
  most: 1,
  leaves: 0,
  // Somebody of its own: the next round of a slot's person would end what this one left, before it is counted.
  async make(world) {
    const [app, member] = [await ourApp(world), await newMember(world)];
    const code = await newCode(world, member, app, 'openid offline_access');
    const tokens = jsonOf(await world.nodes[0].ask(redemption(app, code)));
    return { app, accountId: member.accountId, token: String(tokens['refresh_token']) };
  },
  use: ({ app, accountId, token }, place) =>
    place === inBetween
      ? {
          verb: (desk, first) =>
            inTheMidst(first, () => withdrawConsent(desk, { accountId, clientId: app.clientId })),
        }
      : { request: refreshing(app, token) },
  wins: (answer) => (answer.status === 200 && String(jsonOf(answer)['refresh_token'] ?? '')) || false,
  losers: [{ status: 400, error: 'invalid_grant' }, { status: 200 }],
  effects: async ({ desks: [desk] }, { accountId, app }) =>
    (await listGrants(desk, accountId)).filter(({ clientId }) => clientId === app.clientId).length,
  alarm: 'never',
  after: async (world, { app }, answers) => {
    const fresh = answers
      .map((answer) => jsonOf(answer)['refresh_token'])
      .filter((token) => token !== undefined);
    const again = await Promise.all(fresh.map((token) => world.nodes[1].ask(refreshing(app, String(token)))));
    const alive = await Promise.all(answers.map((answer) => whatLives(world, answer)));
    return [
      ...alive.flat(),
      ...again
        .filter(({ status }) => status !== 400)
        .map(({ status }) => `a refresh token lives on: ${status}`),
    ];
  },
});

const lastFactor = primitive({
  name: 'last-factor removal',
  uses: 20,
  most: 1,
  async make(world) {
    const [desk] = world.desks;
    const { accountId } = await newAccount(world);
    const ids: string[] = [];
    for (const name of ['Phone', 'Tablet']) {
      const added = await addTotp(desk, { accountId, secret: newTotpSecret(), name });
      if (added.ok) ids.push(added.id);
    }
    await changeTwoStep(desk, accountId, (tx) => turnOn(tx, accountId, Date.now()));
    const visiting = await newVisit(world);
    await bringToTheEnd(world, visiting, accountId, ['pwd', 'otp', 'mfa']);
    await visiting.browser.asks(world, `/authorize/${visiting.uid}`);
    return { accountId, browser: visiting.browser, ids };
  },
  // Each of the two at each node: one goes, and the other is the last.
  use: ({ browser, ids }, place) => ({
    request: browser.request(`/account/two-step/remove?method=totp.${ids[Math.floor(place / 2) % 2]}`, {}),
  }),
  wins: (answer) => answer.status === 303 && /two-step\?/.test(locationOf(answer)),
  // Sessions get a new secret with a change; whoever comes with the old one is asked to sign in.
  losers: [{ status: 404 }, { status: 409 }, { status: 303, leadsTo: /^\/authorize\?/ }],
  async effects({ desks: [{ db }] }, { accountId }) {
    const events = db.selectFrom('audit_events').where('account_id', '=', accountId);
    return (await events.where('type', '=', 'totp.removed').select('id').execute()).length;
  },
  alarm: 'never',
  after: async ({ desks: [desk] }, { accountId }) => {
    const left = (await listTotp(desk, accountId)).length;
    return left > 0 ? [] : ['none of two is left'];
  },
});

export const endingRows = [logout, suspend, revoke, lastFactor];
