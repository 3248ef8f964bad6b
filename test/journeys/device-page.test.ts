import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { disableClient } from '../../src/actions/disable-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { listEvents } from '../../src/audit/list.ts';
import { limits, takeFromLimits } from '../../src/limits/limits.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { ask, atDevice, poll, television } from '../support/televisions.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const later = (seconds: number) => world.advance(seconds * 1000);

describe('the page for codes', () => {
  it('approves nothing by a link, not for who allowed the app before, nor for our own apps (DF-05)', async () => {
    const account = await world.account();
    const person = world.person();
    for (const metadata of [television, { ...television, first_party: true }]) {
      const app = await openRelyingParty(world, metadata);
      const before = await ask(app);
      await (await atDevice(world, before, account, person)).decides('allow');
      const codes = await ask(app);
      await person.isSentTo(codes.verification_uri_complete);
      expect(person.heading).toBe('Connect a device');
      expect(person.text).toContain('Go on only if the same code stands on your own device right now.');
      expect((await poll(app, codes)).error).toBe('authorization_pending');
      await person.submits({});
      expect(person.heading).toBe(`Let ${app.name} in on another device?`);
      expect(person.text).toContain('Compare the code.');
      // A form of another site is none of ours.
      await person.isSentTo(`${world.issuer}/device/decision`, {
        form: { user_code: codes.user_code, decision: 'allow' },
      });
      expect(person.status).toBe(403);
      later(6);
      expect((await poll(app, codes)).error).toBe('authorization_pending');
    }
  });

  it('takes forms of our own pages only, however the letters of the address are written, as every page of ours', async () => {
    for (const path of [
      '/device',
      '/DEVICE/decision',
      '/Account/password',
      '/aCcount/sign-out',
      '/Interaction/x/sign-in',
    ]) {
      const headers = { 'sec-fetch-site': 'same-site', 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await send(`${world.issuer}${path}`, {
        method: 'POST',
        body: 'user_code=BBBB-BBBB',
        headers,
      });
      expect([path, answer.status]).toEqual([path, 403]);
    }
  });

  it('has no other addresses: the engine’s own pages are not shown', async () => {
    const person = world.person();
    for (const path of ['/device/anything', `/device/${'a'.repeat(43)}`]) {
      await person.goes(`${world.issuer}${path}`);
      expect([path, person.status, person.heading]).toEqual([path, 404, person.heading]);
    }
  });

  it('says what is wrong with a code: no code, unknown, used, too old', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    const person = await atDevice(world, codes, account);
    await person.decides('allow');
    const types = async (user_code: string) => {
      await person.goes(codes.verification_uri);
      await person.submits({ user_code });
      return person.alert;
    };
    expect(await types('hello')).toContain('A code has eight letters');
    expect(await types('BBBB-BBBB')).toContain('No device waits with this code');
    expect(await types(codes.user_code)).toContain('This code was answered already');
    const next = await ask(app);
    later(601);
    expect(await types(next.user_code)).toContain('This code is too old');
  });

  it('limits guesses by address, by account, and never those of somebody else (DF-01, fact 15)', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    const address = newAddress();
    const letters = 'BCDFGHJKLM';
    const guess = async (place: number) => {
      const person = world.person({ address });
      await person.goes(codes.verification_uri);
      await person.submits({ user_code: `ZZZZZZZ${letters[place % 10]}` });
      return person.status;
    };
    const told: number[] = [];
    for (let place = 0; place < 12; place += 1) told.push(await guess(place));
    expect(told).toEqual([...Array<number>(10).fill(400), 429, 429]);
    // Somebody at the same address signs in first and is counted by themselves.
    const person = world.person({ address });
    await person.goes(codes.verification_uri);
    await person.submits({ user_code: codes.user_code });
    expect(person.alert).toContain('Sign in first');
    await person.follows('Sign in first');
    await person.signsIn(account);
    await person.submits({ user_code: codes.user_code });
    expect(person.heading).toBe(`Let ${app.name} in on another device?`);
    const guesses: number[] = [];
    for (let place = 0; place < 11; place += 1) {
      await person.goes(codes.verification_uri);
      await person.submits({ user_code: `ZZZZZZZ${letters[place % 10]}` });
      guesses.push(person.status);
    }
    expect(guesses).toEqual([...Array<number>(10).fill(400), 429]);
    const another = await atDevice(world, codes, await world.account());
    expect(another.heading).toBe(`Let ${app.name} in on another device?`);
  });

  it('tells the operator of guesses from everywhere, and refuses nobody for them (DF-01)', async () => {
    const codes = await ask(await openRelyingParty(world, television));
    const person = world.person();
    await world.still(async () => {
      for (let one = 0; one < limits.user_code_by_everyone.max; one += 1)
        await takeFromLimits(world.services, [{ limit: 'user_code_by_everyone' }]);
      await person.goes(codes.verification_uri);
      await person.submits({ user_code: 'ZZZZZZZZ' });
    });
    expect([person.status, person.alert]).toEqual([
      400,
      expect.stringContaining('No device waits with this code'),
    ]);
    const hits = await listEvents(world.services, { types: ['limit.hit'], limit: 10 });
    expect(hits.map(({ detail }) => detail['limit'])).toContain('user_code_by_everyone');
  });

  it('asks for the second step of an account that has one, and for a sign-in as fresh as the app wants (DF-09)', async () => {
    const app = await openRelyingParty(world, television);
    const totpSecret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const account = await world.account({ totpSecret });
    const codes = await ask(app);
    const person = await atDevice(world, codes, account, world.person(), await world.freshCode(totpSecret));
    await person.decides('allow');
    later(6);
    const { id_token } = await poll(app, codes);
    expect(decodeJwt(String(id_token))['amr']).toEqual(expect.arrayContaining(['pwd', 'otp', 'mfa']));

    later(3600);
    const fresh = await ask(app, { max_age: '60' });
    await person.goes(fresh.verification_uri);
    await person.submits({ user_code: fresh.user_code });
    expect(person.heading).toBe('Sign in');
    await person.signsIn({ ...account, code: await world.freshCode(totpSecret) });
    await person.submits({});
    expect(person.heading).toBe(`Let ${app.name} in on another device?`);
  });

  it('lets nobody in to an app that was disabled, nor out of an account that was suspended', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const person = await atDevice(world, await ask(app), account);
    await disableClient(world.services, { clientId: app.clientId, reason: 'a test' });
    await person.decides('allow');
    expect(person.alert).toContain('can no longer be allowed');
    const other = await openRelyingParty(world, television);
    const codes = await ask(other);
    const owner = await atDevice(world, codes, account, world.person());
    await suspendAccount(world.services, { accountId: account.accountId, reason: 'a test' });
    await owner.decides('allow');
    expect(owner.heading).toBe('Sign in');
    later(6);
    expect((await poll(other, codes)).error).toBe('authorization_pending');
  });
});
