import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { findAccount } from '../../src/accounts/account.ts';
import { roomForPassword } from '../../src/actions/room-for-password.ts';
import { knowBrowser } from '../../src/credentials/known-browsers.ts';
import { giveBack, limits, takeFromLimits } from '../../src/limits/limits.ts';
import { anAccount, source } from '../support/account-in-use.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());

/** What the records were asked, and the answer. */
async function asked(identifier: string, browser: string) {
  const executor = services.db.getExecutor();
  const execute = executor.executeQuery;
  const queries: string[] = [];
  executor.executeQuery = ((query: { sql: string }) => {
    queries.push(query.sql);
    return execute.call(executor, query as never);
  }) as typeof execute;
  const room = await roomForPassword(services, identifier, { ...source, browser });
  executor.executeQuery = execute;
  return { room: room.ok, queries: queries.filter((sql) => !sql.includes('audit_events')) };
}

it('asks the records the same of a name that somebody has and of one that nobody has, when what everybody shares is used up', async () => {
  const accountId = await anAccount(services);
  const known = (await findAccount(services, accountId))?.contacts[0]?.written ?? '';
  const token = (await knowBrowser(services, { token: undefined, accountId, others: 0 }))?.token ?? '';
  for (let one = 0; one <= limits.password_by_everyone.max; one += 1)
    await takeFromLimits(services, [{ limit: 'password_by_everyone' }]);
  const stranger = `${token.slice(0, 22)}.${'x'.repeat(43)}`;
  const of = { somebody: await asked(known, stranger), nobody: await asked('nobody@example.com', stranger) };
  expect(of.somebody.queries).toHaveLength(2);
  expect(of.nobody).toEqual(of.somebody);
  expect((await asked(known, token)).room).toBe(true);
});

it('counts at the address nobody whom the limit of all keeps out', async () => {
  const from = { ...source, ip: '2001:db8:77::1', browser: undefined };
  for (let one = 0; one <= limits.password_by_everyone.max; one += 1)
    await takeFromLimits(services, [{ limit: 'password_by_everyone' }]);
  for (let one = 0; one < limits.password_by_address.max + 5; one += 1)
    expect(await roomForPassword(services, 'nobody@example.com', from)).toMatchObject({ ok: false });
  await giveBack(services, [{ limit: 'password_by_everyone' }]);
  expect(await roomForPassword(services, 'nobody@example.com', from)).toMatchObject({ ok: true });
});
