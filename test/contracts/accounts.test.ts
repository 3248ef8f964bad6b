import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  addAccount,
  changeProfile,
  findAccount,
  findAccountByIdentifier,
  lockAccount,
  reinstateAccount,
  removeAccount,
  signOutBefore,
  suspendAccount,
  unlockAccount,
} from '../../src/accounts/account.ts';
import { proveContact } from '../../src/accounts/contacts.ts';
import { type Identifier, parseIdentifier } from '../../src/accounts/identifier.ts';
import {
  findConsent,
  listConsents,
  recordConsent,
  removeConsent,
  touchConsent,
} from '../../src/consents/consent.ts';
import { minutes } from '../../src/kit/durations.ts';
import type { Database } from '../../src/store/tables.ts';
import { databaseKinds, openTestDatabase, testClock } from '../support/stores.ts';

let count = 0;
const newAddress = () => `person${++count}@example.com`;

function contact(typed: string, verified: boolean) {
  return { ...identifier(typed), verified };
}

function identifier(typed: string): Identifier {
  const read = parseIdentifier(typed, { region: 'US' });
  if (!read.ok) throw new Error(`not an address: ${typed}`);
  return { channel: read.channel, address: read.address, written: read.written };
}

describe.each(databaseKinds)('accounts on %s', (kind) => {
  const clock = testClock();
  let db: Database;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ db, close } = await openTestDatabase(kind));
  });
  afterAll(() => close());

  const context = () => ({ db, clock });

  async function add(...contacts: ReturnType<typeof contact>[]): Promise<string> {
    const added = await addAccount(context(), { profile: { name: 'Ada' }, contacts });
    if (!added.ok) throw new Error(added.reason);
    return added.accountId;
  }

  async function addressesOf(accountId: string) {
    return (await findAccount({ db }, accountId))?.contacts.map(({ address }) => address);
  }

  it('finds what was added, by its id and by each of its addresses', async () => {
    const email = newAddress();
    const accountId = await add(contact(email.toUpperCase(), true), contact('+1 202 555 0101', true));
    const account = await findAccount({ db }, accountId);
    expect(account).toMatchObject({ id: accountId, profile: { name: 'Ada' }, createdAt: clock.now() });
    expect(account?.contacts.map(({ channel, verifiedAt }) => [channel, verifiedAt]).sort()).toEqual([
      ['email', clock.now()],
      ['phone', clock.now()],
    ]);
    expect(await findAccountByIdentifier({ db }, identifier(email))).toEqual(account);
    expect(await findAccountByIdentifier({ db }, identifier('(202) 555-0101'))).toEqual(account);
  });

  it('finds nobody for ids and addresses that are nobody’s, wildcards included', async () => {
    await add(contact(newAddress(), true));
    for (const address of ['%', '_', "' OR 1=1--", '', 'nobody@example.com'])
      expect(await findAccountByIdentifier({ db }, { channel: 'email', address })).toBeUndefined();
    expect(await findAccount({ db }, '%')).toBeUndefined();
  });

  it('gives a proved address to one account only', async () => {
    const email = newAddress();
    const first = await add(contact(email, true));
    const second = await addAccount(context(), { profile: {}, contacts: [contact(email, true)] });
    expect(second).toEqual({ ok: false, reason: 'address_taken' });
    // Nor may somebody so much as claim it.
    const third = await addAccount(context(), { profile: {}, contacts: [contact(email, false)] });
    expect(third).toEqual({ ok: false, reason: 'address_taken' });
    expect((await findAccountByIdentifier({ db }, identifier(email)))?.id).toBe(first);
  });

  it('leaves nothing behind of an account that was refused', async () => {
    const [taken, free] = [newAddress(), newAddress()];
    await add(contact(taken, true));
    await addAccount(context(), { profile: {}, contacts: [contact(free, true), contact(taken, true)] });
    expect(await findAccountByIdentifier({ db }, identifier(free))).toBeUndefined();
  });

  it('lets one of many win who prove the same address at the same moment', async () => {
    const email = newAddress();
    const tries = await Promise.all(
      Array.from({ length: 8 }, () =>
        addAccount(context(), { profile: {}, contacts: [contact(email, true)] }),
      ),
    );
    expect(tries.filter(({ ok }) => ok)).toHaveLength(1);
    expect(tries.filter((tried) => !tried.ok && tried.reason === 'address_taken')).toHaveLength(7);
  });

  it('takes an address that nobody proved away from whoever was waiting in it for its owner', async () => {
    const email = newAddress();
    const attacker = await add(contact(email, false), contact('+1 202 555 0102', true));
    const added = await addAccount(context(), { profile: {}, contacts: [contact(email, true)] });
    expect(added).toMatchObject({ ok: true, displaced: [attacker] });
    expect(await addressesOf(attacker)).toEqual(['+12025550102']);
    const owner = await findAccountByIdentifier({ db }, identifier(email));
    expect(owner?.id).toBe(added.ok && added.accountId);
  });

  it('does the same when the owner proves it on an account they have', async () => {
    const email = newAddress();
    const attacker = await add(contact(email, false));
    const owner = await add(contact(email, false));
    // While nobody has proved it, it leads to neither.
    expect(await findAccountByIdentifier({ db }, identifier(email))).toBeUndefined();
    expect(await proveContact(context(), { accountId: owner, contact: identifier(email) })).toEqual({
      ok: true,
      displaced: [attacker],
    });
    expect(await addressesOf(attacker)).toEqual([]);
    expect((await findAccountByIdentifier({ db }, identifier(email)))?.id).toBe(owner);
    expect(await proveContact(context(), { accountId: attacker, contact: identifier(email) })).toEqual({
      ok: false,
      reason: 'address_taken',
    });
  });

  it('adds an address that is proved and new, and keeps the time when it was first proved', async () => {
    const accountId = await add(contact(newAddress(), true));
    const second = identifier(newAddress());
    await proveContact(context(), { accountId, contact: second });
    const provedAt = clock.now();
    clock.advance(1 * minutes);
    await proveContact(context(), { accountId, contact: second });
    const account = await findAccountByIdentifier({ db }, second);
    expect(account?.contacts.find(({ address }) => address === second.address)?.verifiedAt).toBe(provedAt);
    expect(account?.contacts).toHaveLength(2);
  });

  it('finds the one account that claims an address', async () => {
    const email = newAddress();
    const accountId = await add(contact(email, false));
    expect((await findAccountByIdentifier({ db }, identifier(email)))?.id).toBe(accountId);
  });

  it('changes the profile as a whole and says when', async () => {
    const accountId = await add(contact(newAddress(), true));
    clock.advance(1 * minutes);
    await changeProfile(context(), { accountId, profile: { nickname: 'A', address: { country: 'UK' } } });
    expect(await findAccount({ db }, accountId)).toMatchObject({
      profile: { nickname: 'A', address: { country: 'UK' } },
      updatedAt: clock.now(),
    });
    expect((await findAccount({ db }, accountId))?.profile.name).toBeUndefined();
  });

  it('suspends and locks, each apart from the other', async () => {
    const accountId = await add(contact(newAddress(), true));
    const hold = { accountId, reason: 'spam' };
    await suspendAccount(context(), hold);
    await lockAccount(context(), { accountId, reason: 'stolen' });
    expect(await findAccount({ db }, accountId)).toMatchObject({
      suspendedAt: clock.now(),
      suspendedReason: 'spam',
      lockedAt: clock.now(),
      lockedReason: 'stolen',
    });
    await reinstateAccount({ db }, { accountId });
    expect(await findAccount({ db }, accountId)).toMatchObject({ suspendedAt: null, lockedAt: clock.now() });
    await unlockAccount({ db }, { accountId });
    expect(await findAccount({ db }, accountId)).toMatchObject({ lockedAt: null, lockedReason: null });
    expect(await suspendAccount(context(), { ...hold, accountId: 'nobody' })).toEqual({
      ok: false,
      reason: 'not_found',
    });
  });

  it('never takes back a later sign-out for an earlier one', async () => {
    const accountId = await add(contact(newAddress(), true));
    await signOutBefore({ db }, { accountId, before: 2000, except: 'session-2' });
    await signOutBefore({ db }, { accountId, before: 1000, except: 'session-1' });
    expect(await findAccount({ db }, accountId)).toMatchObject({
      signedOutBefore: 2000,
      signedOutExcept: 'session-2',
    });
    await signOutBefore({ db }, { accountId, before: 3000, except: undefined });
    expect(await findAccount({ db }, accountId)).toMatchObject({
      signedOutBefore: 3000,
      signedOutExcept: null,
    });
  });

  it('removes an account with all that is its own, and never gives its id away again', async () => {
    const email = newAddress();
    const accountId = await add(contact(email, true));
    await addClient('app-removed');
    await recordConsent(context(), { accountId, clientId: 'app-removed', allowed: ['openid'], declined: [] });
    await db.insertInto('passwords').values({ account_id: accountId, hash: 'x', changed_at: 1 }).execute();
    expect(await removeAccount({ db }, { accountId })).toEqual({ ok: true });
    expect(await findAccount({ db }, accountId)).toBeUndefined();
    expect(await listConsents({ db }, accountId)).toEqual([]);
    const left = await db.selectFrom('passwords').selectAll().where('account_id', '=', accountId).execute();
    expect(left).toEqual([]);
    expect(await add(contact(email, true))).not.toBe(accountId);
    expect(await removeAccount({ db }, { accountId })).toEqual({ ok: false, reason: 'not_found' });
  });

  async function addClient(clientId: string): Promise<void> {
    await db
      .insertInto('clients')
      .values({ client_id: clientId, metadata: '{}', created_at: 1, updated_at: 1 })
      .execute();
  }

  describe('consents', () => {
    it('are remembered, added to and taken back', async () => {
      const accountId = await add(contact(newAddress(), true));
      await addClient('app-1');
      const pair = { accountId, clientId: 'app-1' };
      expect(await findConsent({ db }, pair)).toBeUndefined();
      const firstAllowedAt = clock.now();
      await recordConsent(context(), { ...pair, allowed: ['openid', 'email'], declined: ['phone'] });
      clock.advance(5 * minutes);
      const second = await recordConsent(context(), { ...pair, allowed: ['phone'], declined: [] });
      expect(second).toEqual({
        ...pair,
        allowed: ['openid', 'email', 'phone'],
        declined: [],
        firstAllowedAt,
        changedAt: clock.now(),
        lastUsedAt: clock.now(),
      });
      expect(await findConsent({ db }, pair)).toEqual(second);
      expect(await listConsents({ db }, accountId)).toEqual([second]);
      expect(await removeConsent({ db }, pair)).toBe(true);
      expect(await removeConsent({ db }, pair)).toBe(false);
      expect(await findConsent({ db }, pair)).toBeUndefined();
    });

    it('lose no decision when several are made at once', async () => {
      const accountId = await add(contact(newAddress(), true));
      await addClient('app-2');
      const pair = { accountId, clientId: 'app-2' };
      const asked = ['openid', 'profile', 'email', 'phone', 'address'];
      await Promise.all(
        asked.map((scope) => recordConsent(context(), { ...pair, allowed: [scope], declined: [] })),
      );
      expect((await findConsent({ db }, pair))?.allowed).toEqual(asked);
    });

    it('note their use at most once a minute', async () => {
      const accountId = await add(contact(newAddress(), true));
      await addClient('app-3');
      const pair = { accountId, clientId: 'app-3' };
      await recordConsent(context(), { ...pair, allowed: ['openid'], declined: [] });
      const recordedAt = clock.now();
      const lastUsedAt = async () => (await findConsent({ db }, pair))?.lastUsedAt;
      clock.advance(1 * minutes - 1);
      await touchConsent(context(), pair);
      expect(await lastUsedAt()).toBe(recordedAt);
      clock.advance(1);
      await touchConsent(context(), pair);
      expect(await lastUsedAt()).toBe(clock.now());
    });
  });
});
