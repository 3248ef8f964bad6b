import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { findClient } from '../../clients/registry/registry.ts';
import { disableClient, enableClient } from '../../src/actions/disable-client.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { recordConsent } from '../../src/consents/consent.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { goesAway } from '../support/cut-short.ts';
import { addGrants, whatIsLeft } from '../support/many-grants.ts';
import { manages, registered } from '../support/registration.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** Removals that a failing store cuts short. */
describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open({ DYNAMIC_REGISTRATION: 'open' });
  });
  afterAll(() => world?.close());

  const mostAtOnce = 1000;

  /** People who allowed an app something, in the records alone. */
  async function allowed({ clientId }: RelyingParty, count: number): Promise<void> {
    const { services } = world;
    const { accountId } = await world.account();
    await recordConsent(services, { accountId, clientId, allowed: ['email'], declined: [] });
    const [account, consent] = [
      await services.db
        .selectFrom('accounts')
        .selectAll()
        .where('id', '=', accountId)
        .executeTakeFirstOrThrow(),
      await services.db
        .selectFrom('consents')
        .selectAll()
        .where('client_id', '=', clientId)
        .executeTakeFirstOrThrow(),
    ];
    for (let from = 1; from < count; from += 500) {
      const ids = Array.from(
        { length: Math.min(500, count - from) },
        (_, place) => `${accountId}-${from + place}`,
      );
      await services.db
        .insertInto('accounts')
        .values(ids.map((id) => ({ ...account, id })))
        .execute();
      await services.db
        .insertInto('consents')
        .values(ids.map((account_id) => ({ ...consent, account_id })))
        .execute();
    }
  }

  const consentsOf = async ({ clientId }: RelyingParty) =>
    (
      await world.services.db
        .selectFrom('consents')
        .select('account_id')
        .where('client_id', '=', clientId)
        .execute()
    ).length;

  it('what people allowed an app goes in portions before the app, and a repeat goes on', async () => {
    const { db } = world.services;
    const [app, other] = [await openRelyingParty(world), await openRelyingParty(world)];
    await allowed(app, 2 * mostAtOnce + 100);
    await allowed(other, 3);
    // The app itself cannot go while something points at it.
    await sql`create table holds (client_id text references clients (client_id))`.execute(db);
    await sql`insert into holds values (${app.clientId})`.execute(db);
    await expect(removeClient(world.services, app)).rejects.toThrow(/foreign key/i);
    expect([await consentsOf(app), await consentsOf(other)]).toEqual([0, 3]);
    expect(await findClient(world.services, app.clientId)).toMatchObject({
      disabledAt: expect.any(Number),
      removingSince: expect.any(Number),
    });
    await sql`drop table holds`.execute(db);
    expect(await removeClient(world.services, app)).toMatchObject({ ok: true });
    expect(await findClient(world.services, app.clientId)).toBeUndefined();
  });

  it('an app that removes itself while a store fails may ask again, and for nothing else meanwhile', async () => {
    const made = await registered(world);
    const clientId = String(made['client_id']);
    const grants = await addGrants(world, { clientId }, 20);
    const takes = goesAway(world, { after: 5, of: (steps) => steps.some((step) => step.do === 'take') });
    expect((await manages(made, { method: 'DELETE' })).status).toBe(503);
    takes.comesBack();
    expect((await manages(made)).status).toBe(403);
    expect((await manages(made, { method: 'DELETE' })).status).toBe(204);
    expect(await whatIsLeft(world, grants)).toEqual({ grants: 0, listed: 0 });
    expect((await manages(made)).status).toBe(401);
  });

  it('an app that an operator stopped does not remove itself, nor one that was let in again', async () => {
    const made = await registered(world);
    const clientId = String(made['client_id']);
    await addGrants(world, { clientId }, 20);
    const takes = goesAway(world, { after: 5, of: (steps) => steps.some((step) => step.do === 'take') });
    await expect(removeClient(world.services, { clientId })).rejects.toThrow(StoreUnavailable);
    takes.comesBack();
    await enableClient(world.services, { clientId });
    await disableClient(world.services, { clientId, reason: 'a test' });
    expect((await manages(made, { method: 'DELETE' })).status).toBe(403);
    expect(await findClient(world.services, clientId)).toBeDefined();
  });
});
