import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../clients/registry/registry.ts';
import { findAccount } from '../../src/accounts/account.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { cutOffOthers } from '../../src/actions/end-other-sessions.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { listConsents } from '../../src/consents/consent.ts';
import { findBackupCodes } from '../../src/credentials/backup-codes.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { listTotp } from '../../src/credentials/totp.ts';
import { listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { findTwoStep } from '../../src/credentials/two-step.ts';
import { listKeys } from '../../src/oidc/keys/signing-keys.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty, type Tokens } from '../support/relying-party.ts';
import { type Careful, carefulAccount, giveBackupCodes } from '../support/second-steps.ts';
import type { TestServices } from '../support/stores.ts';
import { afterPassword, trusting, withDevicesOf } from '../support/trusted-devices.ts';
import { keepLiveState, wipeLiveState } from '../support/wipe-live.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * What losing the live state costs: a sign-in, and nothing that somebody has, decided or ended. And what a snapshot that is older
 * than an ending brings back: nobody whom the records keep out.
 */
const lasting = { scope: 'openid email offline_access', prompt: 'consent' };
const reason = 'a test';

describe.each(worldKinds)('the live state on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
  });
  afterAll(() => world?.close());

  /** Somebody with everything that an account can have, who allowed two apps and removed the one. */
  async function settledPerson() {
    const account = await carefulAccount(world);
    const { accountId } = account;
    const device = await trusting(world, account);
    const removed = await openRelyingParty(world);
    await allows(device, removed);
    const tokens = await allows(device, app);
    await giveBackupCodes(world.services, accountId);
    await aPasskey(world.services as TestServices, accountId);
    await withdrawConsent(world.services, { accountId, clientId: removed.clientId });
    return { account, device, removed, tokens };
  }

  async function allows(person: Person, by: RelyingParty): Promise<Tokens> {
    const attempt = by.asks(lasting);
    await person.goes(attempt.url);
    await person.decides('allow');
    return by.receives(person, attempt);
  }

  /** What the person has and decided, as the records tell it. */
  async function recorded({ accountId }: TestAccount) {
    const { services } = world;
    return {
      account: await findAccount(services, accountId),
      twoStep: await findTwoStep(services, accountId),
      authenticators: await listTotp(services, accountId),
      backupCodes: await findBackupCodes(services, accountId),
      devices: await listTrustedDevices(services, accountId),
      passkeys: await listPasskeys(services, accountId),
      consents: await listConsents(services, accountId),
      app: await findClient(services, app.clientId),
      keys: await listKeys(services),
    };
  }

  const machine = (by: RelyingParty) => by.posts('token', { grant_type: 'client_credentials' });
  const introspects = async (by: RelyingParty, token: string | undefined) =>
    (await by.introspects(token))['active'];

  /** Where a visit that asks nothing leads: a code, or the error. */
  async function silently(person: Person, by: RelyingParty, more = {}): Promise<string> {
    const { searchParams } = arrivalOf(await person.goes(by.asks({ prompt: 'none', ...more }).url));
    return searchParams.get('error') ?? 'code';
  }

  async function signsInAgain(account: Careful, person: Person): Promise<void> {
    await person.goes(`${world.issuer}/account`);
    expect(person.heading).toBe('Sign in');
    await person.submits({ identifier: account.identifier, password: account.password });
    expect(person.path).toBe('/account');
  }

  it('is lost: accounts, second steps, passkeys, apps and decisions are as they were, and people sign in anew', async () => {
    const { account, device, removed, tokens } = await settledPerson();
    const before = await recorded(account);
    const { authenticators, devices, passkeys, consents } = before;
    expect([authenticators, devices, passkeys, consents].map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    await wipeLiveState(world);
    expect(await recorded(account)).toEqual(before);
    expect(await listSessions(world.services, account.accountId)).toEqual([]);

    // What the session and the grants gave is over, and no 500.
    expect(await introspects(app, tokens.access_token)).toBe(false);
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect((await app.refreshes(tokens.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
    expect(await silently(device, app)).toBe('login_required');

    // The app comes with its secret, the person with theirs; the browser that is trusted is, another is asked.
    expect((await machine(app)).status).toBe(200);
    const elsewhere = await withDevicesOf(world, device);
    expect(await afterPassword(world, world.person(), account)).toBe('asked');
    await signsInAgain(account, elsewhere);
    expect(await silently(elsewhere, app, { scope: 'openid email' })).toBe('code');
    expect(await silently(elsewhere, removed, { scope: 'openid email' })).toBe('consent_required');
    // What was signed before is still ours.
    expect(await silently(elsewhere, app, { id_token_hint: tokens.id_token })).toBe('code');
  });

  it('is lost: who was suspended, signed out or disabled before stays so', async () => {
    const suspended = await world.account();
    await suspendAccount(world.services, { accountId: suspended.accountId, reason });
    const disabled = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'client_credentials'],
    });
    await disableClient(world.services, { clientId: disabled.clientId, reason });
    await wipeLiveState(world);

    const person = await world.person().goes(app.asks().url);
    await person.signsIn(suspended);
    expect(person.left).toBeUndefined();
    expect(await listSessions(world.services, suspended.accountId)).toEqual([]);
    expect((await machine(disabled)).json).toMatchObject({ error: 'invalid_client' });
    expect((await world.person().goes(disabled.asks().url)).left).toBeUndefined();
  });

  it('comes back from before an ending: nobody whom the records keep out is let in by it', async () => {
    const account = await world.account();
    const suspended = await world.account();
    const disabled = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'client_credentials'],
    });
    const [person, other] = [world.person(), world.person()];
    await app.signsIn(person, account, lasting);
    const theirs = await app.signsIn(other, suspended, lasting);
    const oldOnes = await disabled.signsIn(world.person(), await world.account());
    const { access_token: ownToken } = (await machine(disabled)).json;
    // A session that began in the very second of an ending is not known to be older.
    world.advance(2000);
    const bringBack = await keepLiveState(world);
    await cutOffOthers(world.services, { accountId: account.accountId, except: undefined });
    await withdrawConsent(world.services, { accountId: account.accountId, clientId: app.clientId });
    await suspendAccount(world.services, { accountId: suspended.accountId, reason });
    await disableClient(world.services, { clientId: disabled.clientId, reason });
    await bringBack();
    // It did: the sessions are there.
    for (const { accountId } of [account, suspended])
      expect(await listSessions(world.services, accountId)).toHaveLength(1);

    for (const visitor of [person, other]) {
      expect((await visitor.goes(`${world.issuer}/account`)).heading).toBe('Sign in');
      expect(await silently(visitor, app)).toBe('login_required');
    }
    expect((await app.userinfo(theirs.access_token)).status).toBe(401);
    expect((await app.refreshes(theirs.refresh_token)).status).toBe(400);
    expect((await disabled.userinfo(oldOnes.access_token)).status).toBe(401);
    const server = await openRelyingParty(world, {
      redirect_uris: [],
      post_logout_redirect_uris: [],
      resource_server: '*',
    });
    for (const token of [oldOnes.access_token, String(ownToken)])
      expect(await introspects(server, token)).toBe(false);

    // Their decision is gone: in a browser that brings nothing back with it they are asked again.
    const anew = await world.person().goes(app.asks().url);
    await anew.signsIn(account);
    expect(anew.heading).toMatch(/^Allow /);
  });
});
