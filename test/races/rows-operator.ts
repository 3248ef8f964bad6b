import { rotateClientSecret } from '../../src/actions/rotate-client-secret.ts';
import {
  type Algorithm,
  algorithms,
  ensureSigningKeys,
  rotateKeys,
} from '../../src/oidc/keys/signing-keys.ts';
import type { Services } from '../../src/services.ts';
import { jsonOf, newAddress } from './last-byte.ts';
import { firstParty, newApp } from './people.ts';
import { primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';

/** What operators, and servers that start, do from several machines at once. */

const secretRotation = primitive({
  name: 'client-secret rotation',
  uses: 20,
  // Every one of them is told a secret; the last one's is the app's.
  most: 20,
  leaves: 1,
  make: (world) => newApp(world, { ...firstParty, grant_types: ['client_credentials'] }),
  use: ({ clientId }) => ({ verb: (desk) => rotateClientSecret(desk, { clientId, overlapMs: 0 }) }),
  wins: (answer) => jsonOf(answer)['ok'] === true,
  losers: [],
  async effects({ desks: [{ db }] }, { clientId }) {
    const secrets = db.selectFrom('client_secrets').where('client_id', '=', clientId);
    return (await secrets.select('id').execute()).length;
  },
  alarm: 'never',
  after: async (world, { clientId }, answers) => {
    const secrets = answers.map((answer) => String(jsonOf(answer)['clientSecret']));
    const right = await Promise.all(secrets.map((secret) => isRight(world, clientId, secret)));
    const good = right.filter(Boolean).length;
    // The last one may be of somebody who was not told it, for the record of it could not be written in time.
    const untold = answers.some(({ status }) => status !== 200);
    return good === 1 || (good === 0 && untold) ? [] : [`${good} of ${secrets.length} secrets are good`];
  },
});

async function isRight(world: RaceWorld, clientId: string, secret: string): Promise<boolean> {
  const headers = {
    authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
    'x-forwarded-for': newAddress(),
  };
  const form = { grant_type: 'client_credentials' };
  return (await world.nodes[1].ask({ path: '/token', headers, form })).status === 200;
}

type KeyDesk = Pick<Services, 'db' | 'clock' | 'seals'>;

/** Records of a slot that no server looks at: a thousand rotations would fill everybody's JWKS. */
async function emptyKeys(
  world: RaceWorld,
  slot: number,
  keep: Algorithm[] = [],
): Promise<{ desks: KeyDesk[] }> {
  const dbs = await world.once(`records beside ${slot} with ${keep}`, () => world.recordsBeside());
  const keys = dbs[0].deleteFrom('signing_keys');
  await (keep.length > 0 ? keys.where('alg', 'not in', keep) : keys).execute();
  await dbs[0].deleteFrom('versions').execute();
  const [{ clock, seals }] = world.desks;
  return { desks: dbs.map((db) => ({ db, clock, seals })) };
}

const atDesk = ({ desks }: { desks: KeyDesk[] }, place: number) => desks[place % desks.length] as KeyDesk;

/** Keys that sign or will: nothing has come in their place. */
async function lastingKeys({ desks }: { desks: KeyDesk[] }): Promise<number> {
  const keys = atDesk({ desks }, 0).db.selectFrom('signing_keys').where('retire_at', 'is', null);
  return (await keys.select('kid').execute()).length;
}

const firstKeys = primitive({
  name: 'signing-key rotation leader (first start)',
  uses: 20,
  most: 20,
  // One for each algorithm, whoever came first.
  leaves: algorithms.length,
  // An RSA key costs each use a good part of a second, and twenty at once all of the machine: that one is there already.
  async make(world, slot) {
    const keep: Algorithm[] = ['RS256'];
    await world.once(`keys of ${slot}`, async () =>
      ensureSigningKeys(atDesk(await emptyKeys(world, slot, keep), 0)),
    );
    return await emptyKeys(world, slot, keep);
  },
  use: (artefact, place) => ({
    async verb() {
      await ensureSigningKeys(atDesk(artefact, place));
      return {};
    },
  }),
  wins: ({ status }) => status === 200,
  losers: [],
  effects: (_world, artefact) => lastingKeys(artefact),
  alarm: 'never',
});

const keyRotation = primitive({
  name: 'signing-key rotation leader',
  uses: 20,
  // All of them are done, one after the other; the last one's key is the one that will sign.
  most: 20,
  leaves: 1,
  make: (world, slot) => emptyKeys(world, slot),
  use: (artefact, place) => ({ verb: () => rotateKeys(atDesk(artefact, place), { only: 'ES256' }) }),
  wins: ({ status }) => status === 200,
  losers: [],
  effects: (_world, artefact) => lastingKeys(artefact),
  alarm: 'never',
});

export const operatorRows = [secretRotation, keyRotation, firstKeys];
