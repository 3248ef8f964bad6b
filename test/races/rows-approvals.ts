import { approveSignIn, refuseSignIn } from '../../src/actions/approve-sign-in.ts';
import { addApproval, decideApproval } from '../../src/credentials/approvals.ts';
import { allowApprovals, changeTwoStep, turnOn } from '../../src/credentials/two-step.ts';
import { newId } from '../../src/kit/secrets.ts';
import { jsonOf, newAddress } from './last-byte.ts';
import { bringTo, bringToTheEnd, newAccount, newVisit } from './people.ts';
import { primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { eventsOf, goesOn, limited, pages } from './rows-sign-in.ts';

/** The approval of a sign-in on another device: its decision, and its use by the sign-in that waits. */
const from = { ip: newAddress(), userAgent: 'a race', requestId: newId() };

/** Somebody with a session that may approve, and a browser that waits for it. */
async function waiting(world: RaceWorld) {
  const [desk] = world.desks;
  const { accountId } = await newAccount(world);
  const [phone, laptop] = [await newVisit(world), await newVisit(world)];
  await bringToTheEnd(world, phone, accountId, ['pwd', 'otp', 'mfa']);
  await phone.browser.asks(world, `/authorize/${phone.uid}`);
  await changeTwoStep(desk, accountId, async (tx) => {
    await turnOn(tx, accountId, Date.now());
    await allowApprovals(tx, accountId, Date.now());
  });
  const approval = await addApproval(desk, { accountId, boundTo: laptop.uid, ...from });
  return { accountId, laptop, approval };
}

const decision = primitive({
  name: 'push approval',
  uses: 20,
  most: 1,
  make: waiting,
  use: ({ accountId, approval: { id, number } }, place) => ({
    async verb(desk) {
      const session = { uid: 'phone', signedInAt: Date.now(), amr: ['pwd', 'otp', 'mfa'] };
      const deciding = { accountId, session, id, locale: 'en' as const };
      if (place % 4 < 2) return await approveSignIn(desk, { ...deciding, number }, from);
      return await refuseSignIn(desk, deciding, from);
    },
  }),
  wins: (answer) => jsonOf(answer)['ok'] === true,
  // A verb that says no.
  losers: [{ status: 200 }],
  effects: async (world, { accountId }) =>
    (await eventsOf(world, accountId, 'approval.given')) +
    (await eventsOf(world, accountId, 'approval.refused')),
  alarm: 'never',
});

const use = primitive({
  name: 'approved sign-in',
  uses: 20,
  most: 1,
  // One sign-in bears five looks; with the sixth it begins anew, now and then under the hands of the one that was let in.
  leaves: 1,
  async make(world) {
    const { accountId, laptop, approval } = await waiting(world);
    const [desk] = world.desks;
    await decideApproval(desk, { accountId, id: approval.id, state: 'approved' });
    const proved = { accountId, amr: ['pwd'], provedAt: Date.now(), remember: false, sentAgain: false };
    const kept = { approvalId: approval.id, number: approval.number };
    const challenge = newId();
    await bringTo(world, laptop, {
      at: 'second_step',
      ...proved,
      challenge,
      method: 'approval.device',
      kept,
    });
    return { accountId, laptop };
  },
  use: ({ laptop: { browser, uid } }) => ({
    request: browser.request(`/interaction/${uid}/second-step`, { approval: 'asked' }),
  }),
  wins: goesOn,
  losers: [...pages, limited],
  effects: (world, { accountId }) => eventsOf(world, accountId, 'account.signed_in'),
  alarm: 'never',
});

export const approvalRows = [decision, use];
