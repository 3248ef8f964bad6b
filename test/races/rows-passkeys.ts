import { beginPasskey, enrolPasskey } from '../../src/actions/enrol-passkey.ts';
import { signInChallenge } from '../../src/actions/sign-in-passkey.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { issueChallenge } from '../../src/credentials/webauthn-challenges.ts';
import { newId, newSecret } from '../../src/kit/secrets.ts';
import type { Services } from '../../src/services.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { jsonOf, newAddress } from './last-byte.ts';
import { newAccount, newVisit } from './people.ts';
import { primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { eventsOf, goesOn, pages } from './rows-sign-in.ts';

/** Challenges that an authenticator signs, to be made known and to sign in. */

const from = () => ({ ip: newAddress(), userAgent: 'a race', requestId: newId() });

/** A synced passkey, which always counts 0, up to where its browser has answered. */
async function madePasskey({ desks: [desk], issuer }: RaceWorld, accountId: string) {
  const authenticator = new SoftwareAuthenticator({ origin: issuer });
  const what = { accountId, at: 'enrol' as const, boundTo: newSecret(), making: 'passkey' as const };
  const begun = await beginPasskey(desk, what, from());
  if (!begun.ok) throw new Error(begun.reason);
  const response = authenticator.register(begun.options);
  return { authenticator, made: { ...what, response, fallbackName: 'Passkey', locale: 'en' as const } };
}

const registrationChallenge = primitive({
  name: 'WebAuthn registration challenge',
  uses: 20,
  most: 1,
  async make(world) {
    const { accountId } = await newAccount(world);
    return { accountId, ...(await madePasskey(world, accountId)) };
  },
  use: ({ made }) => ({ verb: (desk: Services) => enrolPasskey(desk, made, from()) }),
  wins: (answer) => jsonOf(answer)['ok'] === true,
  // It was good once; that the passkey is there already would be told after the challenge was taken a second time.
  losers: [{ status: 200, reason: 'expired' }],
  effects: async (world, { accountId }) =>
    Math.max(
      (await listPasskeys(world.desks[0], accountId)).length,
      await eventsOf(world, accountId, 'passkey.added'),
    ),
  alarm: 'never',
});

const assertionChallenge = primitive({
  name: 'WebAuthn assertion challenge',
  uses: 20,
  most: 1,
  async make(world) {
    const [desk] = world.desks;
    const { accountId } = await newAccount(world);
    const { authenticator, made } = await madePasskey(world, accountId);
    const enrolled = await enrolPasskey(desk, made, from());
    if (!enrolled.ok) throw new Error(enrolled.reason);
    const visiting = await newVisit(world);
    const challenge = await issueChallenge(desk, signInChallenge({ interactionUid: visiting.uid }));
    const options = { challenge, rpId: 'localhost', allowCredentials: [] };
    return { accountId, response: authenticator.assert(options), ...visiting };
  },
  use: ({ browser, uid, response }) => ({
    request: browser.request(`/interaction/${uid}/passkey`, { response }),
  }),
  wins: goesOn,
  losers: pages,
  effects: (world, { accountId }) => eventsOf(world, accountId, 'account.signed_in'),
  alarm: 'never',
});

export const passkeyRows = [registrationChallenge, assertionChallenge];
