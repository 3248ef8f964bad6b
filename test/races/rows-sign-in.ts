import { generate } from 'otplib';
import { riskCodeFor } from '../../src/actions/risk-check.ts';
import { codeIsAbout } from '../../src/actions/sign-up.ts';
import { type ContactCodePurpose, issueContactCode } from '../../src/credentials/contact-codes.ts';
import { hashPassword } from '../../src/credentials/password.ts';
import { addTotp, newTotpSecret } from '../../src/credentials/totp.ts';
import { newId } from '../../src/kit/secrets.ts';
import { waits } from '../../src/limits/waits.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { type Answer, locationOf, redirected } from './last-byte.ts';
import { bringTo, bringToTheEnd, newAccount, newVisit, type Somebody, type Visit } from './people.ts';
import { primitive, type Refusal } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';

/** What a person may use once on the way in: codes that were sent, codes of an authenticator, the way on itself. */

/** On to the engine: everything was proved. */
export const goesOn = (answer: Answer) =>
  answer.status === 303 && /\/authorize\/[\w-]+$/.test(locationOf(answer));

/** The form again with a sentence; the page of the step that is now; the page that says the interaction is over. */
export const pages: readonly Refusal[] = [
  { status: 400 },
  { status: 303, leadsTo: /\/interaction\/[\w-]+$/ },
  { status: 410 },
];

export const limited: Refusal = { status: 429 };

export async function eventsOf(
  { desks: [{ db }] }: RaceWorld,
  accountId: string,
  type: string,
  reason?: string,
) {
  const events = await db
    .selectFrom('audit_events')
    .where('account_id', '=', accountId)
    .where('type', '=', type)
    .select('detail')
    .execute();
  return events.filter(({ detail }) => reason === undefined || JSON.parse(detail).reason === reason).length;
}

/** A sign-up that waits for the code it was sent. */
export async function signingUp(world: RaceWorld, address: string) {
  const [desk] = world.desks;
  const visiting = await newVisit(world);
  const identifier = { channel: 'email' as const, address, written: address };
  const about = codeIsAbout({ interactionUid: visiting.uid }, identifier);
  const { id: codeId, code } = await issueContactCode(desk, { purpose: 'sign_up', about, data: {} });
  // One hash for all of them: what is raced is the code.
  const hashed = await world.once('a hash', () => hashPassword(desk, 'correct-horse-battery'));
  const pending = { name: 'Ada Example', ...hashed };
  await bringTo(world, visiting, { at: 'prove_address', ...identifier, codeId, pending, sentAgain: false });
  return { ...visiting, about, code, codeId };
}

async function accountsOf({ desks: [{ db }] }: RaceWorld, address: string): Promise<string[]> {
  const rows = await db.selectFrom('contacts').where('address', '=', address).select('account_id').execute();
  return rows.map(({ account_id }) => account_id);
}

/** Accounts and the events that tell of them: both must be as many as there were successes. */
async function signedUp(world: RaceWorld, address: string): Promise<number> {
  const accounts = await accountsOf(world, address);
  const told = await Promise.all(accounts.map((id) => eventsOf(world, id, 'account.created')));
  return Math.max(
    accounts.length,
    told.reduce((sum, events) => sum + events, 0),
  );
}

const emailCode = primitive({
  name: 'e-mail OTP',
  uses: 20,
  most: 1,
  async make(world) {
    const address = `${newId().toLowerCase()}@example.com`;
    return { address, ...(await signingUp(world, address)) };
  },
  use: ({ browser, uid, code }) => ({ request: browser.request(`/interaction/${uid}/prove`, { code }) }),
  wins: goesOn,
  losers: pages,
  effects: async (world, artefact) =>
    Math.max(await signedUp(world, artefact.address), (await looksAtCode(world, 'sign_up', artefact)).right),
  alarm: 'never',
});

const sameIdentifier = primitive({
  name: 'sign-up same identifier',
  uses: 20,
  most: 1,
  async make(world) {
    const address = `${newId().toLowerCase()}@example.com`;
    const visits = await Promise.all(Array.from({ length: 20 }, () => signingUp(world, address)));
    return { address, visits };
  },
  use: ({ visits }, place) => {
    const { browser, uid, code } = visits[place] as (typeof visits)[number];
    return { request: browser.request(`/interaction/${uid}/prove`, { code }) };
  },
  wins: goesOn,
  losers: pages,
  effects: (world, { address }) => signedUp(world, address),
  alarm: 'never',
});

const resetCode = primitive({
  name: 'password-reset link',
  uses: 20,
  most: 1,
  async make(world) {
    const [desk] = world.desks;
    const { accountId, address } = await newAccount(world);
    const visiting = await newVisit(world);
    const identifier = { channel: 'email' as const, address, written: address };
    const about = codeIsAbout({ interactionUid: visiting.uid }, identifier);
    const { id: codeId, code } = await issueContactCode(desk, { purpose: 'reset', about, data: {} });
    await bringTo(world, visiting, { at: 'reset_code', ...identifier, accountId, codeId, sentAgain: false });
    return { accountId, about, codeId, code, ...visiting };
  },
  use: ({ browser, uid, code }) => ({ request: browser.request(`/interaction/${uid}/reset-code`, { code }) }),
  // The winner is sent to the page that asks for a password, and so is who comes when the winner is there already.
  wins: (answer) => (answer.status === 303 ? 'the page for a new password' : false),
  losers: [...pages, limited],
  effects: (world, artefact) => looksAtCode(world, 'reset', artefact).then(({ right }) => right),
  alarm: 'never',
});

const unusualCode = primitive({
  name: 'e-mail verification',
  uses: 20,
  most: 1,
  async make(world) {
    const [desk] = world.desks;
    const { accountId, address } = await newAccount(world);
    const visiting = await newVisit(world);
    const proved = { accountId, amr: ['pwd'], provedAt: Date.now(), remember: false };
    const contact = { channel: 'email' as const, address, written: address };
    const binding = riskCodeFor({ accountId, address }, { interactionUid: visiting.uid });
    const { id: codeId, code } = await issueContactCode(desk, { ...binding, data: {} });
    await bringTo(world, visiting, {
      at: 'risk_check',
      ...proved,
      ...contact,
      signs: ['many_failures'],
      codeId,
      sentAgain: false,
    });
    return { accountId, code, ...visiting };
  },
  use: ({ browser, uid, code }) => ({ request: browser.request(`/interaction/${uid}/risk`, { code }) }),
  wins: goesOn,
  losers: [...pages, limited],
  effects: (world, { accountId }) => eventsOf(world, accountId, 'risk_check.passed'),
  alarm: 'never',
});

/** Each look at a code is counted, by the code and by the hour; of the hour a right one is given back. */
export async function looksAtCode(
  { desks: [{ live, seals }] }: RaceWorld,
  purpose: ContactCodePurpose,
  { about, codeId }: { about: string; codeId: string },
): Promise<{ ofThis: number; right: number }> {
  const key = `{code:${seals.mac('contact-code-about', `${purpose} ${about}`)}}:guesses` as const;
  const [all, ofThis] = [await live.count(key, 1, 0), await live.count(`${key}:${codeId}`, 1, 0)];
  return { ofThis: ofThis.count, right: ofThis.count - all.count };
}

/** Somebody with an authenticator, in several browsers that know the password already. */
async function atSecondStep(
  world: RaceWorld,
  browsers: number,
): Promise<Somebody & { secret: string; visits: Visit[] }> {
  const somebody = await newAccount(world);
  const { accountId } = somebody;
  const secret = newTotpSecret();
  const added = await addTotp(world.desks[0], { accountId, secret, name: 'Phone' });
  if (!added.ok) throw new Error(added.reason);
  const visits = await Promise.all(Array.from({ length: browsers }, () => newVisit(world)));
  for (const visiting of visits)
    await bringTo(world, visiting, {
      at: 'second_step',
      accountId,
      provedAt: Date.now(),
      remember: false,
      amr: ['pwd'],
      challenge: newId(),
      method: `totp.${added.id}`,
      kept: {},
      sentAgain: false,
    });
  return { ...somebody, secret, visits };
}

const codeAt = (secret: string, stepsFromNow = 0) =>
  generate({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * stepsFromNow });

/** Six digits that are right neither now nor soon, nor were a moment ago. */
async function wrongCode(secret: string): Promise<string> {
  const right = await Promise.all([-2, -1, 0, 1, 2, 3].map((steps) => codeAt(secret, steps)));
  return (
    ['111111', '222222', '333333', '444444', '555555', '666666', '777777'].find(
      (code) => !right.includes(code),
    ) ?? ''
  );
}

const enter = ({ visits }: { visits: Visit[] }, place: number, code: string) => {
  const { browser, uid } = visits[Math.floor(place / 2) % visits.length] as Visit;
  return { request: browser.request(`/interaction/${uid}/second-step`, { code }) };
};
const totpStep = primitive({
  name: 'TOTP step',
  uses: 20,
  most: 1,
  async make(world) {
    const made = await atSecondStep(world, 5);
    return { ...made, code: await codeAt(made.secret) };
  },
  use: (artefact, place) => enter(artefact, place, artefact.code),
  wins: goesOn,
  losers: [...pages, limited],
  effects: (world, { accountId }) => eventsOf(world, accountId, 'account.signed_in'),
  alarm: 'never',
});

const loginCounter = primitive({
  name: 'login counter',
  uses: 20,
  // Five, whatever the browsers: the fifth wrong one begins a wait. Each of these five challenges would bear five.
  most: waits.second_step.free + 1,
  exactly: true,
  async make(world) {
    const made = await atSecondStep(world, 5);
    return { ...made, code: await wrongCode(made.secret) };
  },
  use: (artefact, place) => enter(artefact, place, artefact.code),
  wins: ({ status }) => status === 400,
  losers: [limited],
  effects: (world, { accountId }) => eventsOf(world, accountId, 'account.second_step_failed', 'wrong_code'),
  alarm: 'never',
});

const challenge = primitive({
  name: '2SV challenge -> session',
  uses: 20,
  // One challenge bears five looks at codes; then the first factor is asked again.
  most: 5,
  exactly: true,
  async make(world) {
    const made = await atSecondStep(world, 1);
    return { ...made, code: await wrongCode(made.secret) };
  },
  use: (artefact, place) => enter(artefact, place, artefact.code),
  wins: ({ status }) => status === 400,
  losers: [...pages, limited],
  effects: (world, { accountId }) => eventsOf(world, accountId, 'account.second_step_failed', 'wrong_code'),
  alarm: 'never',
});

const resume = primitive({
  name: 'interaction resume',
  uses: 20,
  most: 1,
  async make(world) {
    const { accountId } = await newAccount(world);
    const visiting = await newVisit(world);
    await bringToTheEnd(world, visiting, accountId);
    return { accountId, ...visiting };
  },
  use: ({ browser, uid }) => ({ request: browser.request(`/authorize/${uid}`) }),
  wins: (answer) => redirected(answer, 'code') ?? false,
  losers: [{ status: 400 }, { status: 410 }],
  effects: async (world, { accountId }) => (await listSessions(world.desks[0], accountId)).length,
  alarm: 'never',
});

export const signInRows = [
  emailCode,
  resetCode,
  unusualCode,
  totpStep,
  challenge,
  loginCounter,
  resume,
  sameIdentifier,
];
