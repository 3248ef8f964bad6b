import { newId } from '../../src/kit/secrets.ts';
import { giveBack, limits, takeFromLimits } from '../../src/limits/limits.ts';
import { newAddress } from './last-byte.ts';
import { newAccount, newVisit, type Visit } from './people.ts';
import { primitive } from './primitive.ts';
import { looksAtCode, signingUp } from './rows-sign-in.ts';

/** Limits let exactly as many through as they say. */

const byAddress = primitive({
  name: 'IP limiter',
  uses: 20,
  most: 10,
  exactly: true,
  async make(world) {
    const waiting = await signingUp(world, `${newId().toLowerCase()}@example.com`);
    const from = newAddress();
    // All but ten of what this address may guess in an hour.
    for (let times = 10; times < limits.code_guess_by_address.max; times += 1)
      await takeFromLimits(world.desks[0], [{ limit: 'code_guess_by_address', key: from }]);
    return { ...waiting, from, wrong: waiting.code === '000000' ? '111111' : '000000' };
  },
  use: ({ browser, uid, from, wrong }) => ({
    request: browser.request(`/interaction/${uid}/prove`, { code: wrong }, from),
  }),
  wins: ({ status }) => status === 400,
  losers: [{ status: 429 }],
  effects: async (world, artefact) => (await looksAtCode(world, 'sign_up', artefact)).ofThis,
  alarm: 'never',
});

const messages = primitive({
  name: 'SMS budget (and mail: codes for one mailbox)',
  uses: 20,
  most: limits.reset_by_contact.max,
  exactly: true,
  async make(world) {
    const somebody = await newAccount(world);
    const visits = await Promise.all(Array.from({ length: 4 }, () => newVisit(world)));
    return { ...somebody, visits };
  },
  use({ address, visits }, place) {
    const { browser, uid } = visits[Math.floor(place / 2) % visits.length] as Visit;
    return { request: browser.request(`/interaction/${uid}/forgot`, { identifier: address }) };
  },
  wins: ({ status }) => status === 303,
  losers: [{ status: 429 }],
  async effects({ desks: [{ db }] }, { accountId }) {
    const events = db.selectFrom('audit_events').where('account_id', '=', accountId);
    return (await events.where('type', '=', 'password.reset_requested').select('id').execute()).length;
  },
  alarm: 'never',
  // What all of us may send in an hour is not for this to use up.
  after: async ({ desks: [desk] }, _artefact, answers) => {
    const sent = answers.filter(({ status }) => status === 303);
    await giveBack(
      desk,
      sent.map(() => ({ limit: 'code_by_everyone' })),
    );
    return [];
  },
});

export const limitRows = [byAddress, messages];
