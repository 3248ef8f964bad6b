import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listSessions } from '../../src/oidc/sessions.ts';
import { aPasskey } from '../support/passkeys.ts';
import {
  atSecondStep,
  carefulAccount,
  giveText,
  giveTotp,
  lastDigits,
  otherThan,
  signedInFully,
} from '../support/second-steps.ts';
import type { TestServices } from '../support/stores.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe('an account with one method', () => {
  it('says so on the overview and the page of two-step verification, until there is a second', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    expect(person.text).toContain('You have only one method');
    await person.follows('Add a second method');
    expect([person.path, person.alert ?? person.text]).toEqual([
      '/account/two-step',
      expect.stringContaining('You have only one method'),
    ]);
    await person.follows('Make backup codes');
    await person.presses('Make backup codes');
    expect(person.html.textsOf('code')).toHaveLength(10);
    await person.follows('I have kept them');
    expect(person.text).not.toContain('You have only one method');
    expect(person.text).toContain('10 codes are left');
  });
});

describe('an account that has one method left', () => {
  it('says so where the other was removed, a passkey and an app alike', async () => {
    const account = await carefulAccount(world);
    const { id } = await giveTotp(world.services, account.accountId, 'Tablet');
    const person = await signedInFully(world, account);
    expect(person.text).not.toContain('You have only one method');
    await person.goes(`${world.issuer}/account/two-step/remove?method=totp.${id}`);
    await person.presses('Remove');
    expect([person.path, person.text]).toEqual([
      '/account/two-step',
      expect.stringContaining('You have only one method'),
    ]);

    await aPasskey(world.services as unknown as TestServices, account.accountId);
    await person.goes(`${world.issuer}/account/passkeys`);
    expect(person.text).not.toContain('You have only one method');
    await person.follows('Remove Passkey');
    await person.presses('Remove');
    expect([person.path, person.text]).toEqual([
      '/account/passkeys',
      expect.stringContaining('You have only one method'),
    ]);
  });
});

describe('after signing in', () => {
  it('says once, on whatever page was asked for, that there is only one', async () => {
    const account = await carefulAccount(world);
    const person = world.person();
    await person.goes(`${world.issuer}/account/sessions`);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect([person.path, person.text]).toEqual([
      '/account/sessions',
      expect.stringContaining('only one method for the second step'),
    ]);
    await person.goes(`${world.issuer}/account/sessions`);
    expect(person.text).not.toContain('only one method');
  });
});

describe('backup codes (MF-11)', () => {
  it('are shown once, can be downloaded from that page, and are told of at every address', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    await person.goes(`${world.issuer}/account/two-step/codes`);
    await person.presses('Make backup codes');
    const codes = person.html.textsOf('code');
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$/);
    const file = person.html.links.find(({ label }) => label === 'Download')?.href ?? '';
    expect(decodeURIComponent(file)).toContain(codes.join('\r\n'));
    expect(person.headers['cache-control']).toBe('no-store');
    await person.goes(person.url);
    expect([person.status, person.html.textsOf('code')]).toEqual([410, []]);
    const told = (await world.outbox()).filter(({ text }) => text.includes('new backup codes were made'));
    expect(told.map(({ to }) => to)).toEqual(expect.arrayContaining([account.identifier, account.number]));
    const kept = JSON.stringify(await world.services.db.selectFrom('backup_codes').selectAll().execute());
    for (const code of codes) expect(kept).not.toContain(code.replace('-', ''));
    expect(kept).toContain('$argon2id$');
  });

  it('are over when new ones are made', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    await person.goes(`${world.issuer}/account/two-step/codes`);
    await person.presses('Make backup codes');
    const [old = ''] = person.html.textsOf('code');
    await person.goes(`${world.issuer}/account/two-step/codes`);
    expect(person.text).toContain('stop working');
    await person.presses('Make new codes');
    const [fresh = ''] = person.html.textsOf('code');
    const next = await atSecondStep(world, account);
    await next.follows('Use a backup method');
    await next.presses('Use this: 10 codes left');
    await next.submits({ code: old });
    expect(next.alert).toContain('not one of your backup codes');
    await next.submits({ code: fresh });
    expect(next.path).toBe('/account');
  });

  it('are nothing without a second step that they could stand in for', async () => {
    const account = await world.account();
    const person = world.person();
    await person.goes(`${world.issuer}/account/two-step/codes`);
    await person.signsIn(account);
    await person.presses('Make backup codes');
    expect([person.status, person.alert]).toEqual([400, expect.stringContaining('on first')]);
  });
});

describe('text messages', () => {
  it('are added with a number that is proved by it, sign others out, and can be taken off again', async () => {
    const account = await world.account();
    const [person, other] = [world.person(), world.person()];
    await other.goes(`${world.issuer}/account`);
    await other.signsIn(account);
    world.advance(2000);
    await person.goes(`${world.issuer}/account/two-step/text`);
    await person.signsIn(account);
    expect(person.text).toContain('can be taken over');
    await person.submits({ number: 'call me' });
    expect([person.status, person.alert ?? person.text]).toEqual([
      400,
      expect.stringContaining('not a mobile number'),
    ]);
    await person.submits({ number: '+49 151 1357 2468' });
    const number = '+4915113572468';
    await person.submits({ code: otherThan(await world.codeSentTo(number)) });
    expect(person.text).toContain('not right');
    await person.submits({ code: await world.codeSentTo(number) });
    expect(person.text).toContain('Text messages were added');
    expect(person.text).toContain('Weaker');
    expect(await listSessions(world.services, account.accountId)).toHaveLength(1);

    const next = await atSecondStep(world, account);
    expect(next.text).toContain('by text message');
    await next.submits({ code: await world.codeSentTo(number) });
    expect(next.path).toBe('/account');
    await next.goes(`${world.issuer}/account/two-step`);
    await next.follows(`Remove ${lastDigits(number)}`);
    expect(next.text).toContain('your only method');
    await next.presses('Turn off two-step verification');
    expect((await atSecondStep(world, account)).path).toBe('/account');
  });

  it('refuse a number that another account proved, and say nothing before its code came back', async () => {
    const owner = await world.account({ email: 'owner@example.com', phone: '+4915114141414' });
    const account = await world.account();
    const person = world.person();
    await person.goes(`${world.issuer}/account/two-step/text`);
    await person.signsIn(account);
    await person.submits({ number: '+4915114141414' });
    expect(person.heading).toBe('Codes by text message');
    await person.submits({ code: await world.codeSentTo('+4915114141414') });
    expect([person.status, person.text]).toEqual([400, expect.stringContaining('another account')]);
    expect(owner.accountId).not.toBe(account.accountId);
    await person.goes(`${world.issuer}/account/two-step`);
    expect(person.text).toContain('No method yet');
  });

  it('are gone where the operator switched them off; what hangs on them stays shut', async () => {
    const strict = await openWorld({ TEXT_SECOND_STEP: 'off' });
    const account = await carefulAccount(strict);
    await giveText(strict.services, account.accountId);
    const person = await atSecondStep(strict, account);
    await person.follows('Use a backup method');
    expect(person.html.textsOf('h2')).toEqual(['Authenticator app']);
    const onlyText = await strict.account({ email: 'hangs@example.com', phone: '+4915116161616' });
    await giveText(strict.services, onlyText.accountId);
    const shut = await atSecondStep(strict, onlyText);
    expect([shut.path.startsWith('/interaction/'), shut.heading]).toEqual([true, 'No method can be used']);
    await shut.goes(`${strict.issuer}/account`);
    expect(shut.heading).toBe('Sign in');
    await strict.close();
  });
});

describe('removing methods', () => {
  it('of two at once leaves one, unless it is all turned off (MF-17)', async () => {
    const account = await carefulAccount(world);
    const { id } = await giveTotp(world.services, account.accountId, 'Tablet');
    const rows = await world.services.db
      .selectFrom('totp_credentials')
      .select('id')
      .where('account_id', '=', account.accountId)
      .execute();
    const first = rows.find((row) => row.id !== id)?.id ?? '';
    const [one, other] = [await signedInFully(world, account), await signedInFully(world, account)];
    const remove = (method: string) => `${world.issuer}/account/two-step/remove?method=totp.${method}`;
    await Promise.all([
      one.isSentTo(remove(first), { form: {}, from: world.issuer }),
      other.isSentTo(remove(id), { form: {}, from: world.issuer }),
    ]);
    const left = await world.services.db
      .selectFrom('totp_credentials')
      .select('id')
      .where('account_id', '=', account.accountId)
      .execute();
    expect(left).toHaveLength(1);
    expect((await atSecondStep(world, account)).heading).toBe('Two-step verification');
  });

  it('is of one’s own only, and by no other site', async () => {
    const [mine, theirs] = [await carefulAccount(world), await carefulAccount(world)];
    const { id } = await giveTotp(world.services, theirs.accountId, 'Theirs');
    const person = await signedInFully(world, mine);
    const address = `${world.issuer}/account/two-step/remove?method=totp.${id}`;
    await person.goes(address);
    expect([person.status, person.errorCode]).toEqual([404, 'not_found']);
    await person.isSentTo(address, { form: {}, from: world.issuer });
    expect([person.status, person.errorCode]).toEqual([404, 'not_found']);
    await person.isSentTo(`${world.issuer}/account/two-step/off`, { form: {} });
    expect([person.status, person.errorCode]).toEqual([403, 'cross_site']);
    expect((await atSecondStep(world, mine)).heading).toBe('Two-step verification');
  });
});
