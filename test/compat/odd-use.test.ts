import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { limits, takeFromLimits } from '../../src/limits/limits.ts';
import { until } from '../support/timing.ts';
import { openWorld, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

/** What stands in for the rotation of refresh tokens that old libraries keep (docs/divergences.md, RFC 9700 section 4.14.2). */
let world: World;
let app: CompatApp;
beforeAll(async () => {
  world = await openWorld();
  app = await openCompatApp(world);
});
afterAll(() => world.close());

const oddUses = async (accountId: string) => {
  const events = world.services.db.selectFrom('audit_events').selectAll();
  const rows = events.where('type', '=', 'refresh_token.odd_use').where('account_id', '=', accountId);
  return (await rows.execute()).map(({ detail }) => JSON.parse(String(detail)));
};

describe('a refresh token that stays the same', () => {
  it('and is used from ever more networks works on, and is recorded and told, once', async () => {
    const account = await world.account();
    const { refresh_token } = await app.signsIn(world.person(), account);
    const form = { grant_type: 'refresh_token', refresh_token, ...app.own };
    for (let network = 1; network <= 12; network += 1) {
      const answer = await app.posts('/auth/o2/token', form, { 'x-forwarded-for': `20.${network}.0.1` });
      expect(answer.status).toBe(200);
    }
    await until(async () => (await oddUses(account.accountId)).length > 0);
    expect(await oddUses(account.accountId)).toMatchObject([{ reason: 'networks' }]);
    const told = async () => (await world.outbox()).filter(({ subject }) => subject?.includes('unusual way'));
    await until(async () => (await told()).length > 0);
    expect((await told()).map(({ text }) => text.includes('Paperplane Shop'))).toEqual([true]);
  });

  it('and is used more often than an honest app has any use for works on, and is recorded', async () => {
    const account = await world.account();
    const { refresh_token } = await app.signsIn(world.person(), account);
    const key = refresh_token.replace(/^Atzr\|/, '').slice(0, 22);
    for (let used = 0; used < limits.refresh_by_grant.max; used += 1)
      await takeFromLimits(world.services, [{ limit: 'refresh_by_grant', key }]);
    expect((await app.refreshes(refresh_token)).status).toBe(200);
    await until(async () => (await oddUses(account.accountId)).length > 0);
    expect(await oddUses(account.accountId)).toMatchObject([{ reason: 'rate', grant: key }]);
  });
});
