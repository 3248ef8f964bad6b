import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { grantIdLength, layout } from '../../src/oidc/live-layout.ts';
import { readGrant, readSession, readToken } from '../../src/oidc/record-forms.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { LiveKey } from '../../src/store/live.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * What records take, beside what they take as the engine hands them over: its payload as JSON under `oidc:<model>:<id>`, as
 * its own example has it. The figures at the top of src/oidc/live-layout.ts are those of MEMORY USAGE here.
 */
type Model = 'Session' | 'Grant' | 'AuthorizationCode' | 'AccessToken' | 'RefreshToken';
type Stored = { model: Model; key: LiveKey; id: string; payload: object };

for (const { name, open } of worldKinds) {
  describe(`the bytes of a record on ${name}`, () => {
    let world: World;
    let records: Stored[];
    beforeAll(async () => {
      world = await open();
      records = await someRecords(world);
    });
    afterAll(() => world?.close());

    it('are far fewer than of plain JSON, names and values together', async () => {
      expect(records.map(({ model }) => model).sort()).toEqual(Object.keys(inRedis).sort());
      for (const { model, key, id, payload } of records) {
        const [entry] = await world.services.live.read([key]);
        const ours = key.length + String(entry?.value).length;
        expectFewer(model, ours, `oidc:${model}:${id}`.length + JSON.stringify(payload).length);
      }
    });

    if (!name.includes('Redis')) return;

    it('are as few in the memory of Redis as the layout says', async () => {
      const redis = new Redis(String(world.services.settings.REDIS_URL));
      for (const { model, key, id, payload } of records) {
        const used = Number(await redis.memory('USAGE', key, 'SAMPLES', 0));
        const plainKey = `oidc:${model}:${id}`;
        await redis.set(plainKey, JSON.stringify(payload), 'EX', 60);
        const plain = Number(await redis.memory('USAGE', plainKey, 'SAMPLES', 0));
        await redis.del(plainKey);
        expectFewer(model, used, plain);
        // Allocators differ by a size class.
        expect([model, Math.abs(used - inRedis[model]) <= 32]).toEqual([model, true]);
      }
      await redis.quit();
    });

    it('are given back: every key has its end', async () => {
      const redis = new Redis(String(world.services.settings.REDIS_URL));
      const keys = await redis.keys('*');
      const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
      await redis.quit();
      expect(keys.length).toBeGreaterThan(8);
      expect(keys.filter((_, place) => (lives[place] ?? 0) < 0)).toEqual([]);
    });
  });
}

/** Bytes, name and value and all that Redis keeps beside them. */
const inRedis: Record<Model, number> = {
  Session: 360,
  Grant: 232,
  AuthorizationCode: 296,
  AccessToken: 152,
  RefreshToken: 216,
};

/** A grant is hardly more than the three ids that it connects. */
function expectFewer(model: Model, ours: number, plain: number): void {
  const most = model === 'Grant' ? 0.8 : 0.5;
  expect([model, ours / plain < most ? 'fewer' : `${ours} of ${plain}`]).toEqual([model, 'fewer']);
}

/** One of each, of somebody who signed in with Firefox to an app that asks for what apps usually ask for. */
async function someRecords(world: World): Promise<Stored[]> {
  const app = await openRelyingParty(world);
  const account = await world.account();
  const person = world.person();
  const scope = { scope: 'openid profile email offline_access' };
  const tokens = await app.signsIn(person, account, scope);
  const attempt = app.asks(scope);
  await person.goes(attempt.url);
  const code = String(person.left?.searchParams.get('code'));
  const [session] = await listSessions(world.services, account.accountId);
  const uid = String(session?.uid);
  const grantId = code.slice(0, grantIdLength);
  const grantKey = layout.grant(grantId);
  const read = async (key: LiveKey) => String((await world.services.live.read([key]))[0]?.value);
  const grant = readGrant(await read(grantKey));
  const found: Stored[] = [
    {
      model: 'Grant',
      key: grantKey,
      id: grantId,
      payload: { ...grant, sessionUid: undefined, jti: grantId },
    },
  ];
  const sessionKey = layout.session(uid);
  const jti = `${uid}.${'x'.repeat(43)}`;
  found.push({
    model: 'Session',
    key: sessionKey,
    id: jti,
    payload: { ...readSession(await read(sessionKey), uid), jti },
  });
  const texts = [
    ['AuthorizationCode', 'c', code],
    ['AccessToken', 'a', tokens.access_token],
    ['RefreshToken', 'r', String(tokens.refresh_token)],
  ] as const;
  for (const [model, letter, id] of texts) {
    const key = layout.underGrant(letter, id)?.key as LiveKey;
    const beside = { letter, grantId: id.slice(0, grantIdLength), grant };
    found.push({ model, key, id, payload: { ...readToken(await read(key), beside), jti: id } });
  }
  return found;
}
