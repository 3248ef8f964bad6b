import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addAccount } from '../../src/accounts/account.ts';
import {
  forgetBrowsers,
  forgetOldBrowsers,
  giveTryBackToBrowser,
  knowBrowser,
  knownBrowserLifeMs,
  takeTryOfBrowser,
} from '../../src/credentials/known-browsers.ts';
import { mostKnownBrowsers, triesOfKnownBrowser } from '../../src/limits/waits.ts';
import type { Database } from '../../src/store/tables.ts';
import { databaseKinds, openTestDatabase, type TestClock, testClock } from '../support/stores.ts';

describe.each(databaseKinds)('browsers that signed in before, on %s', (kind) => {
  let db: Database;
  let close: () => Promise<void>;
  let clock: TestClock;
  beforeAll(async () => {
    ({ db, close } = await openTestDatabase(kind));
    clock = testClock();
  });
  afterAll(() => close());

  const records = () => ({ db, clock });
  async function anAccount(): Promise<string> {
    const added = await addAccount(records(), { profile: {}, contacts: [] });
    if (!added.ok) throw new Error(added.reason);
    return added.accountId;
  }
  async function know(accountId: string, token?: string) {
    const rows = await db
      .selectFrom('known_browsers')
      .select('id')
      .where('account_id', '=', accountId)
      .execute();
    const known = await knowBrowser(records(), { token, accountId, others: rows.length });
    if (!known) throw new Error('no such account');
    return known;
  }
  const take = (accountId: string, token: string | undefined) =>
    takeTryOfBrowser(records(), { token, accountId, proof: 'password' });

  it('have a few tries of their own, exactly so many however many race', async () => {
    const accountId = await anAccount();
    const { token, wasKnown } = await know(accountId);
    expect(wasKnown).toBe(false);
    const taken = await Promise.all(Array.from({ length: 30 }, () => take(accountId, token)));
    expect(taken.filter(Boolean)).toHaveLength(triesOfKnownBrowser);
    // Of another proof it has its own.
    const wanted = { token, accountId, proof: 'second_step' } as const;
    expect(await takeTryOfBrowser(records(), wanted)).toBe(true);
    await giveTryBackToBrowser(records(), { token, accountId, proof: 'password' });
    expect(await take(accountId, token)).toBe(true);
    expect(await take(accountId, token)).toBe(false);
    expect(await know(accountId, token)).toMatchObject({ token, wasKnown: true });
    expect(await take(accountId, token)).toBe(true);
  });

  it('are known to their own accounts only, by the whole of their cookie', async () => {
    const [mine, other] = [await anAccount(), await anAccount()];
    const { token } = await know(mine);
    const [id, secret = ''] = token.split('.');
    const forged = `${id}.${secret.slice(0, -2)}${secret.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const wrong of [undefined, '', '.', id, `${id}.`, `.${secret}`, forged, `${token}.x`, `${token} `])
      expect([wrong, await take(mine, wrong)]).toEqual([wrong, false]);
    expect(await take(other, token)).toBe(false);
    expect(await take('', token)).toBe(false);
    expect(await take(mine, token)).toBe(true);
  });

  it('stay known to everybody who signs in there, with a new secret for each who is added', async () => {
    const [first, second] = [await anAccount(), await anAccount()];
    const planted = (await know(first)).token;
    const { token } = await know(second, planted);
    expect(token).not.toBe(planted);
    expect(token.split('.')[0]).toBe(planted.split('.')[0]);
    expect(await take(first, token)).toBe(true);
    expect(await take(second, token)).toBe(true);
    // A copy of the cookie from before is worth nothing now.
    expect(await take(first, planted)).toBe(false);
    expect(await take(second, planted)).toBe(false);
  });

  it('take no id from anybody: one that names no row gets a new one', async () => {
    const accountId = await anAccount();
    const made = `${'a'.repeat(22)}.${'b'.repeat(43)}`;
    const { token } = await know(accountId, made);
    expect(token.split('.')[0]).not.toBe('a'.repeat(22));
    const rows = await db
      .selectFrom('known_browsers')
      .selectAll()
      .where('account_id', '=', accountId)
      .execute();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token.split('.')[1]);
  });

  it('are ten of an account, the latest', async () => {
    const accountId = await anAccount();
    const tokens: string[] = [];
    for (let one = 0; one < mostKnownBrowsers + 3; one += 1) {
      tokens.push((await know(accountId)).token);
      clock.advance(1000);
    }
    const known = await Promise.all(tokens.map((token) => take(accountId, token)));
    expect(known).toEqual(tokens.map((_, at) => at >= 3));
  });

  it('are forgotten when nobody came for half a year, and when the password is set anew', async () => {
    const accountId = await anAccount();
    const old = (await know(accountId)).token;
    clock.advance(knownBrowserLifeMs + 1);
    expect(await take(accountId, old)).toBe(false);
    const [here, elsewhere] = [(await know(accountId, old)).token, (await know(accountId)).token];
    await forgetOldBrowsers(records());
    await forgetBrowsers(records(), { accountId, except: here });
    expect(await take(accountId, elsewhere)).toBe(false);
    expect(await take(accountId, here)).toBe(true);
    await forgetBrowsers(records(), { accountId });
    expect(await take(accountId, here)).toBe(false);
  });

  it('are none of an account that was removed meanwhile, which is no fault', async () => {
    const accountId = await anAccount();
    await db.deleteFrom('accounts').where('id', '=', accountId).execute();
    expect(await knowBrowser(records(), { token: undefined, accountId, others: 0 })).toBeUndefined();
  });
});
