import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../src/actions/change-client.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { listenForApp } from '../support/app-server.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** By what names apps know people (OpenID Connect Core section 8). */
let world: World;
beforeAll(async () => {
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
});
afterAll(() => world.close());

const asUsual = { subject_type: undefined };

async function namesOf(...metadata: Record<string, unknown>[]): Promise<string[]> {
  const account = await world.account();
  const names: string[] = [account.accountId];
  for (const one of metadata) {
    const app = await openRelyingParty(world, one);
    const tokens = await app.signsIn(world.person(), account);
    names.push(String(tokens.claims()?.sub));
  }
  return names;
}

describe('an app of a stranger', () => {
  it('has a name of its own for a person, the same everywhere and at every time', async () => {
    const account = await world.account();
    const app = await openRelyingParty(world, asUsual);
    const tokens = await app.signsIn(world.person(), account);
    const sub = String(tokens.claims()?.sub);
    expect(sub).toMatch(/^[\w-]{43}$/);
    expect(sub).not.toBe(account.accountId);
    const userinfo = await send(`${world.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(userinfo.json['sub']).toBe(sub);
    const introspected = await app.posts('introspection', { token: tokens.access_token });
    expect(introspected.json).toMatchObject({ active: true, sub });
    const again = await app.signsIn(world.person(), account);
    expect(again.claims()?.sub).toBe(sub);
    // A hint that it was given is understood, and one that another app was given is of somebody else.
    const person = world.person();
    await app.signsIn(person, account);
    const hinted = app.asks({ prompt: 'none', id_token_hint: tokens.id_token });
    await person.goes(hinted.url);
    expect((await app.receives(person, hinted)).claims()?.sub).toBe(sub);
  });

  it('cannot compare it with another’s, nor with that of our own apps', async () => {
    const [accountId, one, other, ours] = await namesOf(asUsual, asUsual, { ...asUsual, first_party: true });
    expect(new Set([accountId, one, other]).size).toBe(3);
    expect(ours).toBe(accountId);
  });

  it('is not put together with others by a host that is everybody’s', async () => {
    const native = {
      ...asUsual,
      application_type: 'native',
      redirect_uris: ['https://kites.example.test/cb'],
    };
    const [, one, same] = await namesOf(native, native);
    expect(one).toBe(same);
    const onLoopback = { ...asUsual, redirect_uris: ['https://localhost:9443/cb'] };
    const added = await openRelyingParty(world, onLoopback);
    const another = await openRelyingParty(world, onLoopback);
    expect(added.clientId).not.toBe(another.clientId);
    const client = (id: string) =>
      world.services.db
        .selectFrom('clients')
        .select('metadata')
        .where('client_id', '=', id)
        .executeTakeFirst();
    expect(JSON.parse((await client(added.clientId))?.metadata ?? '{}').subject_type).toBe('pairwise');
  });

  it('shares it with those whose addresses stand in one list, a hundred of them, and on no other host', async () => {
    const uris = Array.from({ length: 100 }, (_, at) => `https://h${at}.kites.example.test/cb`);
    const [list, another] = [await listenForApp(), await listenForApp()];
    for (const one of [list, another]) one.serve((_request, response) => response.end(JSON.stringify(uris)));
    try {
      const listed = (from: number, to: number, { origin } = list) => ({
        ...asUsual,
        redirect_uris: uris.slice(from, to),
        sector_identifier_uri: `${origin}/${from}`,
      });
      const [accountId, many, one, other, alone] = await namesOf(
        listed(0, 50),
        listed(99, 100),
        listed(0, 1, another),
        { ...asUsual, redirect_uris: uris.slice(0, 1) },
      );
      expect(many).toBe(one);
      expect(new Set([accountId, many, other, alone]).size).toBe(4);
      const metadata = listed(0, 51);
      const tooMany = await registerClient(world.services, { metadata });
      expect(tooMany).toMatchObject({ ok: false, problems: [{ field: 'redirect_uris' }] });
    } finally {
      await Promise.all([list.stop(), another.stop()]);
    }
  });

  it('shares it with those that an operator says are of one company', async () => {
    const company = { ...asUsual, company: 'Kites and Sons' };
    const [accountId, one, other, stranger] = await namesOf(company, company, asUsual);
    expect(one).toBe(other);
    expect(new Set([accountId, one, stranger]).size).toBe(3);
  });
});

it('tells the operator when a change makes strangers of everybody, and changes nothing unasked', async () => {
  const account = await world.account();
  const app = await openRelyingParty(world, asUsual);
  const before = (await app.signsIn(world.person(), account)).claims()?.sub;
  const { clientId } = app;
  const harmless = await changeClient(world.services, { clientId, changes: { first_party: true } });
  expect(harmless).toMatchObject({ ok: true, notes: [] });
  expect((await app.signsIn(world.person(), account)).claims()?.sub).toBe(before);
  const company = await changeClient(world.services, { clientId, changes: { company: 'Kites' } });
  if (!company.ok) throw new Error('not changed');
  expect(company.notes.join()).toMatch(/will know nobody/);
  expect((await app.signsIn(world.person(), account)).claims()?.sub).not.toBe(before);
});
