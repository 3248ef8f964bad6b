import { Redis } from 'ioredis';
import type { Adapter, AdapterPayload } from 'oidc-provider';

/**
 * A plain Redis adapter in the shape that the engine's own example has: one key a record (a hash where it can be spent),
 * an expiry set beside it in a MULTI, and for each grant a list of what was issued under it. It is what a project writes
 * that starts from the documentation, and it loses every race (test/contracts/engine-store.test.ts has ours).
 */
const spendable = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'PushedAuthorizationRequest']);
const underGrant = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);

export function openExampleRedis(url: string): (model: string) => Adapter {
  const redis = new Redis(url, { keyPrefix: 'oidc:' });
  return (model) => exampleAdapter(redis, model);
}

function exampleAdapter(redis: Redis, model: string): Adapter {
  const keyOf = (id: string) => `${model}:${id}`;
  const grantKeyOf = (id: string) => `grant:${id}`;
  const uidKeyOf = (uid: string) => `uid:${uid}`;

  async function find(id: string): Promise<AdapterPayload | undefined> {
    if (!spendable.has(model)) {
      const text = await redis.get(keyOf(id));
      return text === null ? undefined : JSON.parse(text);
    }
    const { payload, ...rest } = await redis.hgetall(keyOf(id));
    return payload === undefined ? undefined : { ...rest, ...JSON.parse(payload) };
  }

  return {
    find,
    async upsert(id, payload, expiresIn) {
      const key = keyOf(id);
      const multi = redis.multi();
      if (spendable.has(model)) multi.hset(key, { payload: JSON.stringify(payload) });
      else multi.set(key, JSON.stringify(payload));
      if (expiresIn) multi.expire(key, expiresIn);
      if (underGrant.has(model) && payload.grantId) {
        const grantKey = grantKeyOf(payload.grantId);
        multi.rpush(grantKey, key);
        // The list lives as long as what lives longest in it.
        const left = await redis.ttl(grantKey);
        if (expiresIn && expiresIn > left) multi.expire(grantKey, expiresIn);
      }
      if (payload.uid) {
        multi.set(uidKeyOf(payload.uid), id);
        if (expiresIn) multi.expire(uidKeyOf(payload.uid), expiresIn);
      }
      await multi.exec();
    },
    async findByUid(uid) {
      const id = await redis.get(uidKeyOf(uid));
      return id === null ? undefined : find(id);
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      await redis.hset(keyOf(id), 'consumed', Math.floor(Date.now() / 1000));
    },
    async destroy(id) {
      await redis.del(keyOf(id));
    },
    async revokeByGrantId(grantId) {
      const tokens = await redis.lrange(grantKeyOf(grantId), 0, -1);
      const multi = redis.multi();
      for (const token of tokens) multi.del(token);
      multi.del(grantKeyOf(grantId));
      await multi.exec();
    },
  };
}
