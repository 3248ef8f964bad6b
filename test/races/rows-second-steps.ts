import { addAccount } from '../../src/accounts/account.ts';
import { newBackupCodes, replaceBackupCodes } from '../../src/credentials/backup-codes.ts';
import { issueContactCode } from '../../src/credentials/contact-codes.ts';
import { addTextStep } from '../../src/credentials/text-steps.ts';
import { changeTwoStep, turnOn } from '../../src/credentials/two-step.ts';
import { newId } from '../../src/kit/secrets.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { redirected } from './last-byte.ts';
import { bringTo, bringToTheEnd, newAccount, newVisit, type Visit } from './people.ts';
import { primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { eventsOf, goesOn, limited, looksAtCode, pages } from './rows-sign-in.ts';

/** The other ways to a second step, and how many sessions come of it. */

/** A browser that knows the password and is asked for an answer by this method. */
async function asked(
  world: RaceWorld,
  { visiting, accountId, method, kept }: { visiting: Visit; accountId: string; method: string; kept: object },
): Promise<void> {
  const proved = { accountId, amr: ['pwd'], provedAt: Date.now(), remember: false, sentAgain: false };
  await changeTwoStep(world.desks[0], accountId, (tx) => turnOn(tx, accountId, Date.now()));
  await bringTo(world, visiting, {
    at: 'second_step',
    ...proved,
    challenge: newId(),
    method,
    kept: { ...kept },
  });
}

let numbers = 0;

const textCode = primitive({
  name: 'SMS OTP',
  uses: 20,
  most: 1,
  async make(world) {
    const [desk] = world.desks;
    numbers += 1;
    const address = `+49151${String(10_000_000 + numbers)}`;
    const contacts = [{ channel: 'phone' as const, address, written: address, verified: true }];
    const added = await addAccount(desk, { profile: { name: 'Ada Example' }, contacts });
    if (!added.ok) throw new Error(added.reason);
    const { accountId } = added;
    const contact = await desk.db
      .selectFrom('contacts')
      .where('account_id', '=', accountId)
      .select('id')
      .executeTakeFirstOrThrow();
    const visiting = await newVisit(world);
    const id = await addTextStep(desk.db, { accountId, contactId: contact.id, now: Date.now() });
    const about = `${visiting.uid} ${accountId} ${address}`;
    const { id: codeId, code } = await issueContactCode(desk, { purpose: 'second_step', about, data: {} });
    await asked(world, { visiting, accountId, method: `text.${id}`, kept: { codeId } });
    return { accountId, about, codeId, code, ...visiting };
  },
  use: ({ browser, uid, code }) => ({
    request: browser.request(`/interaction/${uid}/second-step`, { code }),
  }),
  // Of twenty answers to one challenge five are looked at, and the others lead back to the start; who comes when somebody is
  // through, or when it started over, is led to where things stand. So what counts is how often the code was taken.
  wins: (answer) => (answer.status === 303 ? 'a way on' : false),
  losers: [...pages, limited],
  effects: async (world, artefact) => (await looksAtCode(world, 'second_step', artefact)).right,
  alarm: 'never',
  after: async (_world, _artefact, answers) => {
    const through = answers.filter(goesOn).length;
    return through > 1 ? [`${through} are through`] : [];
  },
});

const backupCode = primitive({
  name: 'backup code',
  uses: 20,
  most: 1,
  async make(world) {
    const [desk] = world.desks;
    const { accountId } = await newAccount(world);
    // One set of hashes for all rounds, each with rows of its own: what is raced is the use.
    const set = await world.once('backup codes', () => newBackupCodes(desk, { accountId }));
    const rows = set.rows.map((row) => ({ ...row, id: newId(), account_id: accountId }));
    await desk.db.transaction().execute((tx) => replaceBackupCodes(tx, { accountId, rows }));
    const visits = await Promise.all(Array.from({ length: 5 }, () => newVisit(world)));
    for (const visiting of visits)
      await asked(world, { visiting, accountId, method: 'backup_code.codes', kept: {} });
    return { accountId, visits, code: set.codes[0] ?? '' };
  },
  use({ visits, code }, place) {
    const { browser, uid } = visits[Math.floor(place / 2) % visits.length] as Visit;
    return { request: browser.request(`/interaction/${uid}/second-step`, { code }) };
  },
  wins: goesOn,
  losers: [...pages, limited],
  effects: (world, { accountId }) => eventsOf(world, accountId, 'backup_code.used'),
  alarm: 'never',
});

const sessionLimit = primitive({
  name: 'session limit',
  uses: 20,
  most: 20,
  // Twenty come in, and so many stay.
  leaves: 8,
  async make(world) {
    const { accountId } = await newAccount(world);
    const visits = await Promise.all(Array.from({ length: 20 }, () => newVisit(world)));
    for (const visiting of visits) await bringToTheEnd(world, visiting, accountId);
    return { accountId, visits };
  },
  use({ visits }, place) {
    const { browser, uid } = visits[place] as Visit;
    return { request: browser.request(`/authorize/${uid}`) };
  },
  wins: (answer) => redirected(answer, 'code') ?? false,
  losers: [{ status: 400 }],
  effects: async ({ desks: [desk] }, { accountId }) => (await listSessions(desk, accountId)).length,
  alarm: 'never',
});

export const secondStepRows = [textCode, backupCode, sessionLimit];
