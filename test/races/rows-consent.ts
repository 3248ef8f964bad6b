import { findConsent } from '../../src/consents/consent.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import { decisions, type Pair } from './decisions.ts';
import { type Answer, locationOf, redirected } from './last-byte.ts';
import { type App, type Member, memberOf, newApp, type Visit, visit } from './people.ts';
import { primitive, type Refusal } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';

/** Decisions: a page that is answered twice, in two tabs, or with yes and no at once. */

const goesOn = (answer: Answer) => answer.status === 303 && /\/authorize\/[\w-]+$/.test(locationOf(answer));
const backOrOver: readonly Refusal[] = [{ status: 303, leadsTo: /\/interaction\/[\w-]+$/ }, { status: 410 }];

type Asked = { app: App; member: Member; accountId: string; visits: Visit[] };

/** The consent pages of a new app, a tab for each scope. */
async function asked(world: RaceWorld, slot: number, ...scopes: string[]): Promise<Asked> {
  const metadata = { client_name: 'Paperplane', grant_types: ['authorization_code', 'refresh_token'] };
  const [app, member] = [await newApp(world, metadata), await memberOf(world, slot)];
  const visits: Visit[] = [];
  for (const scope of scopes) visits.push(await visit(world, app, { browser: member.browser, scope }));
  return { app, member, accountId: member.accountId, visits };
}

const pairOf = ({ app, accountId }: Asked): Pair => ({ accountId, clientId: app.clientId });

const decided = (world: RaceWorld, pair: Pair) => decisions(world, pair, ['consent.given', 'consent.denied']);

async function grantsOf({ desks: [desk] }: RaceWorld, { accountId, clientId }: Pair): Promise<number> {
  return (await listGrants(desk, accountId)).filter((grant) => grant.clientId === clientId).length;
}

const press = ({ member, visits }: Asked, place: number, form: Record<string, string>) => {
  const { uid } = visits[Math.floor(place / 2) % visits.length] as Visit;
  return { request: member.browser.request(`/interaction/${uid}/consent`, form) };
};

/**
 * As whoever is told 503: a page that no press came through on is answered once more, by its first press (decision 0035: a store
 * may stand still for longer than all of them). Who was told 503 and decided all the same is led on.
 */
async function answerAgain(
  world: RaceWorld,
  artefact: Asked,
  answers: readonly Answer[],
  formOf: (place: number) => Record<string, string>,
): Promise<void> {
  const ofTab = (place: number) => Math.floor(place / 2) % artefact.visits.length;
  const through = new Set(answers.flatMap((answer, place) => (goesOn(answer) ? [ofTab(place)] : [])));
  for (const tab of artefact.visits.keys())
    if (!through.has(tab)) await world.nodes[0].ask(press(artefact, 2 * tab, formOf(2 * tab)).request);
}

/** Goes on in every tab whose answer was accepted: what the app is told in the end. */
async function outcomes(world: RaceWorld, { member, visits }: Asked): Promise<string[]> {
  const answers = await Promise.all(
    visits.map(({ uid }) => world.nodes[1].ask(member.browser.request(`/authorize/${uid}`))),
  );
  return answers.map((answer) => {
    for (const kept of [answer]) member.browser.keeps(kept);
    return redirected(answer, 'error') ?? (redirected(answer, 'code') ? 'code' : `${answer.status}`);
  });
}

const allowed = () => ({ decision: 'allow', scope: 'email' });

const consentTwice = primitive({
  name: 'consent (pressed twice)',
  uses: 20,
  most: 1,
  make: (world, slot) => asked(world, slot, 'openid email offline_access'),
  use: (artefact, place) => press(artefact, place, allowed()),
  wins: goesOn,
  losers: backOrOver,
  effects: async (world, artefact) => {
    const pair = pairOf(artefact);
    return Math.max(await decided(world, pair), await grantsOf(world, pair));
  },
  alarm: 'never',
  after: async (world, artefact, answers) => {
    await answerAgain(world, artefact, answers, allowed);
    const [told] = await outcomes(world, artefact);
    return told === 'code' ? [] : [`the app was told ${told}`];
  },
});

const ofItsTab = (place: number) => ({
  decision: 'allow',
  scope: Math.floor(place / 2) % 2 ? 'profile' : 'email',
});

const twoTabs = primitive({
  name: 'consent (merge of two tabs)',
  uses: 20,
  most: 2,
  make: (world, slot) => asked(world, slot, 'openid email', 'openid profile'),
  use: (artefact, place) => press(artefact, place, ofItsTab(place)),
  wins: goesOn,
  losers: backOrOver,
  effects: (world, artefact) => decided(world, pairOf(artefact)),
  alarm: 'never',
  after: async (world, artefact, answers) => {
    await answerAgain(world, artefact, answers, ofItsTab);
    const kept = await findConsent(world.desks[0], pairOf(artefact));
    const lost = ['email', 'profile'].filter((scope) => !kept?.allowed.includes(scope));
    return lost.map((scope) => `the decision on ${scope} was lost`);
  },
});

const yesAndNo = (place: number) => ({
  decision: Math.floor(place / 2) % 2 ? 'deny' : 'allow',
  scope: 'email',
});

const allowOrDeny = primitive({
  name: 'approval (approve vs deny)',
  uses: 20,
  most: 1,
  make: (world, slot) => asked(world, slot, 'openid email'),
  use: (artefact, place) => press(artefact, place, yesAndNo(place)),
  wins: goesOn,
  losers: backOrOver,
  effects: (world, artefact) => decided(world, pairOf(artefact)),
  alarm: 'never',
  // What is kept is what the app was told.
  after: async (world, artefact, answers) => {
    await answerAgain(world, artefact, answers, yesAndNo);
    const [told] = await outcomes(world, artefact);
    const kept = await findConsent(world.desks[0], pairOf(artefact));
    const right = told === (kept ? 'code' : 'access_denied');
    return right ? [] : [`the app was told ${told}, and what is kept is ${kept ? 'a consent' : 'none'}`];
  },
});

export const consentRows = [consentTwice, twoTabs, allowOrDeny];
