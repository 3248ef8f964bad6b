import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { retryAfterSeconds } from '../../src/oidc/unavailable.ts';
import { patient, unhurried } from '../support/patience.ts';
import { type LossyStores, lossyStores } from './lossy-kind.ts';
import type { Alone } from './primitive.ts';
import { primitives } from './primitives.ts';
import { byPartition } from './race.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

/**
 * What is good once, when the reply to the step that uses it up is lost on the wire (misuse case ST-03, reliability F3,
 * engine facts 17): the store has done it, and nobody was told. `at`: what stands in that step and in nothing before it.
 * `again`: what becomes of the same use where a second reply was lost too and it was answered with 503. A proof by key is a
 * replay whoever sends it twice (RFC 7523 section 3, RFC 9449 section 11.1): apps make a new one. Of a code that its page
 * says may have been used, and of a passkey, people give the next.
 */
const uses = [
  { name: 'authorization code', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'refresh token', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'device code', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'auth_req_id (CIBA)', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'PAR request_uri', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'interaction resume', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'client assertion jti', wire: 'live', at: '}:x\r\n', again: 'is refused' },
  { name: 'DPoP jti', wire: 'live', at: '}:x\r\n', again: 'is refused' },
  { name: 'e-mail OTP', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'e-mail verification', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'password-reset link', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'SMS OTP', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'approved sign-in', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'WebAuthn registration challenge', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'WebAuthn assertion challenge', wire: 'live', at: 'consume', again: 'succeeds' },
  { name: 'WebAuthn assertion challenge', wire: 'records', at: 'update "passkeys"', again: 'is refused' },
  { name: 'TOTP step', wire: 'records', at: 'update "totp_credentials"', again: 'is refused' },
  { name: 'backup code', wire: 'records', at: 'update "backup_codes"', again: 'is refused' },
] as const;
type Use = (typeof uses)[number];
type Used = Awaited<ReturnType<Alone['use']>>;

describe('when the reply to what uses it up is lost', () => {
  // Nobody waits for a store in vain here.
  const opened = lossyWorld(patient);

  it.each(uses)(
    '$name, on $wire: one is made up for, and whoever comes with it later is late',
    async (use) => {
      const { stores, world } = opened();
      const one = await begin(world, use);
      const [wire, before] = [stores[use.wire], stores[use.wire].cuts()];
      wire.cutReplyTo(use.at);
      const first = await one.use();
      expect(wire.cuts()).toBe(before + 1);
      expect(wonOrSaid(first)).toBe('won');
      const second = await one.use();
      // Who may win again, as a refresh token within its grace, is given the same.
      if (second.won === false) expect(second).toMatchObject({ refused: true });
      else expect(second.won).toBe(first.won);
      const effects = await one.effects(byPartition(await world.liveKeys()));
      expect(effects).toBe(use.name === 'refresh token' ? 0 : 1);
    },
  );
});

describe('when the reply to what makes up for it is lost too', () => {
  const opened = lossyWorld(unhurried);

  it.each(uses)('$name, on $wire: the same again $again', async (use) => {
    const { stores, world } = opened();
    const one = await begin(world, use);
    const [wire, before] = [stores[use.wire], stores[use.wire].cuts()];
    wire.cutReplyTo(use.at, 'silence');
    const first = await one.use();
    wire.silence(false);
    expect([first.status, wire.cuts()]).toEqual([503, before + 1]);
    const second = await comesAgain(one, use.again);
    if (use.again === 'succeeds') expect(wonOrSaid(second)).toBe('won');
    else expect(second).toMatchObject({ won: false, refused: true });
  });
});

/** For the tests of a `describe`. */
function lossyWorld(patience: Record<string, string>): () => { stores: LossyStores; world: RaceWorld } {
  let stores: LossyStores;
  let world: RaceWorld;
  beforeAll(async () => {
    stores = await lossyStores(patience);
    world = await openRaceWorld(stores);
  }, 300_000);
  afterAll(() => world?.close(), 60_000);
  return () => ({ stores, world });
}

async function begin(world: RaceWorld, { name }: Use): Promise<Alone> {
  const row = primitives.find((one) => one.name === name);
  if (!row) throw new Error(`no race is called ${name}`);
  return row.alone(world);
}

const wonOrSaid = ({ won, said }: Used) => (won === false ? said : 'won');

/** As who was told with 503 after how long to try again. */
async function comesAgain(one: Alone, wanted: 'succeeds' | 'is refused'): Promise<Used> {
  for (let tries = 0; ; tries += 1) {
    await sleep(retryAfterSeconds * 1000);
    const answer = await one.use();
    const told = wanted === 'succeeds' ? answer.won !== false : answer.status !== 503;
    if (told || tries === 3) return answer;
  }
}
