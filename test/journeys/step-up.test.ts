import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stepUpChallenge, stepUpParameters } from '../../clients/examples/step-up.ts';
import { listEvents } from '../../src/audit/list.ts';
import { minutes, seconds } from '../../src/kit/durations.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  aWhile,
  type Careful,
  carefulAccount,
  giveText,
  giveTotp,
  lastDigits,
  textsTo,
} from '../support/second-steps.ts';
import type { TestServices } from '../support/stores.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Levels of authentication (docs/decisions/0031-levels.md; RFC 9470; OpenID Connect Core section 5.5.1.1). */
const one = 'urn:latchkey:acr:1fa';
const two = 'urn:latchkey:acr:2fa';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, {
    first_party: true,
    grant_types: ['authorization_code', 'refresh_token'],
  });
});
afterAll(() => world.close());

/** As after a sign-in on a trusted device: the session says `pwd`, and the account has a second step. */
async function withPasswordAlone(): Promise<{ person: Person; account: Careful }> {
  const account = await carefulAccount(world);
  const person = world.person();
  await person.goes(`${world.issuer}/account`);
  await person.submits({ identifier: account.identifier, password: account.password });
  await person.submits({ code: await world.freshCode(account.totpSecret), trust_device: 'yes' });
  await person.presses('Sign out');
  await person.goes(app.asks().url);
  await person.submits({ identifier: account.identifier, password: account.password });
  expect(person.left).toBeDefined();
  return { person, account };
}

async function asks(person: Person, params: Record<string, string>) {
  const attempt = app.asks(params);
  await person.goes(attempt.url);
  return attempt;
}

async function claimsOf(person: Person, params: Record<string, string> = {}) {
  const attempt = await asks(person, params);
  return ((await app.receives(person, attempt)).claims() ?? {}) as Record<string, unknown>;
}

describe('what an ID token says of the sign-in', () => {
  it('is true without being asked for', async () => {
    const account = await world.account();
    const person = world.person();
    const tokens = await app.signsIn(person, account);
    expect(tokens.claims()).toMatchObject({ acr: one, amr: ['pwd'], auth_time: expect.any(Number) });
    const { person: trusted } = await withPasswordAlone();
    expect(await claimsOf(trusted)).toMatchObject({ acr: one, amr: ['pwd'] });
  });

  it('names the level that was asked for, if that is true, and lives through a refresh', async () => {
    const account = await carefulAccount(world);
    const person = world.person();
    const attempt = app.asks({ acr_values: `${one} ${two}`, scope: 'openid offline_access' });
    await person.goes(attempt.url);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    const tokens = await app.receives(person, attempt);
    const said = { acr: one, amr: ['pwd', 'otp', 'mfa'], auth_time: tokens.claims()?.auth_time };
    expect(tokens.claims()).toMatchObject(said);
    expect(await claimsOf(person)).toMatchObject({ ...said, acr: two });
    world.advance(aWhile);
    const { json } = await app.refreshes(tokens.refresh_token);
    const [, payload = ''] = String(json['id_token']).split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject(said);
  });

  it('lists the levels in discovery', () => {
    const metadata = app.config.serverMetadata();
    expect(metadata.acr_values_supported).toEqual([one, two, 'phr']);
    expect(metadata.claims_supported).toEqual(expect.arrayContaining(['acr', 'amr', 'auth_time']));
  });
});

describe('an app that asks for two factors of somebody who showed one', () => {
  it('gets them by what is missing alone, and auth_time stays when the first was shown', async () => {
    const { person, account } = await withPasswordAlone();
    const before = await claimsOf(person);
    world.advance(60 * seconds);
    const attempt = await asks(person, { acr_values: two });
    expect([person.heading, person.html.source.includes('type="password"')]).toEqual([
      'Two-step verification',
      false,
    ]);
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    const after = (await app.receives(person, attempt)).claims();
    expect(after).toMatchObject({ acr: two, amr: ['pwd', 'otp', 'mfa'], auth_time: before['auth_time'] });
    // Reached once, it is not asked again; and an app that asks for nothing hears the truth.
    expect(await claimsOf(person, { acr_values: two })).toMatchObject({ acr: two });
    expect(await claimsOf(person)).toMatchObject({ acr: two });
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 5 });
    expect(events.map(({ detail }) => detail?.['step_up'])).toContain(true);
  });
});

describe('a second step that begins with a message', () => {
  it('is not asked twice of who gave a fresh proof on the account pages a moment ago', async () => {
    const { person, account } = await withPasswordAlone();
    world.advance(aWhile);
    await person.goes(`${world.issuer}/account/two-step/new`);
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect(person.heading).toBe('Set up an authenticator app');
    const copied = person.cookieHeader(world.issuer);
    expect((await claimsOf(person, { acr_values: two }))['amr']).toEqual(['pwd', 'otp', 'mfa']);
    // A cookie that was copied before does not rise with it.
    world.advance(2 * minutes);
    const page = await send(`${world.issuer}/account`, { headers: { cookie: copied } });
    expect(page.status).toBe(303);
  });

  it('is chosen first: looking at a page sends nothing', async () => {
    const account = await world.account({ phone: '+4915177700001' });
    const person = world.person();
    await app.signsIn(person, account);
    await giveText(world.services, account.accountId);
    const careful = { ...account, totpSecret: '', number: '+4915177700001' };
    const before = (await textsTo(world, careful)).length;
    const attempt = await asks(person, { acr_values: two });
    expect([person.heading, (await textsTo(world, careful)).length]).toEqual(['Choose a method', before]);
    await person.presses(`Use this: A code sent to the number ${lastDigits(careful.number)}`);
    await person.submits({ code: await world.codeSentTo(careful.number) });
    expect((await app.receives(person, attempt)).claims()).toMatchObject({
      acr: two,
      amr: ['pwd', 'sms', 'mfa'],
    });
  });
});

describe('a level that nothing of the account comes up to', () => {
  it('is told, and can be set up or left out where the app only wishes for it', async () => {
    const account = await world.account();
    const person = world.person();
    const attempt = await asks(person, { acr_values: two });
    await person.signsIn(account);
    expect([person.status, person.heading]).toEqual([200, 'Two-step verification needed']);
    await person.presses('Go on without it');
    expect((await app.receives(person, attempt)).claims()).toMatchObject({ acr: one, amr: ['pwd'] });

    const again = await asks(person, { acr_values: two });
    await person.presses('I have set it up, go on');
    expect(person.heading).toBe('Two-step verification needed');
    const { secret } = await giveTotp(world.services, account.accountId);
    await person.presses('I have set it up, go on');
    expect(person.heading).toBe('Two-step verification');
    await person.submits({ code: await world.freshCode(secret) });
    expect((await app.receives(person, again)).claims()).toMatchObject({ acr: two });
  });

  it('is no code where it is essential: the app is told, and going on without is not on offer', async () => {
    const account = await world.account();
    const person = world.person();
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: [two] } } });
    await asks(person, { claims });
    await person.signsIn(account);
    expect(person.text).not.toContain('Go on without it');
    const url = new URL(`${person.url}/step-up`);
    await person.isSentTo(url, { form: { decision: 'without' }, from: world.issuer });
    expect(person.heading).toBe('Two-step verification needed');
    await person.presses(`Back to ${app.name}`);
    expect(arrivalOf(person).searchParams.get('error')).toBe('unmet_authentication_requirements');
  });

  it('keeps nobody from signing out of it as somebody else', async () => {
    const person = world.person();
    const attempt = await asks(person, { acr_values: two });
    await person.signsIn(await world.account());
    await person.presses('Not you? Use another account');
    const other = await carefulAccount(world);
    await person.submits({ identifier: other.identifier, password: other.password });
    await person.submits({ code: await world.freshCode(other.totpSecret) });
    expect((await app.receives(person, attempt)).claims()).toMatchObject({ acr: two });
  });
});

describe('a level that only a key for this site comes up to (phr)', () => {
  it('asks who signed in with a code for their passkey, and for nothing else', async () => {
    const account = await carefulAccount(world);
    const person = world.person();
    const attempt = await asks(person, {});
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect((await app.receives(person, attempt)).claims()?.acr).toBe(two);

    const { authenticator } = await aPasskey(world.services as unknown as TestServices, account.accountId);
    const more = await asks(person, { acr_values: 'phr' });
    await person.follows('Use a backup method');
    expect(person.text).not.toContain('Authenticator app');
    const { json } = await send(`${person.url.replace('/methods', '')}/options`, {
      method: 'POST',
      body: new URLSearchParams(),
      headers: { cookie: person.cookieHeader(), origin: world.issuer, 'sec-fetch-site': 'same-origin' },
    });
    const response = authenticator.assert(json['options'] as never);
    const form = { response };
    await person.isSentTo(person.url.replace('/methods', ''), { form, from: world.issuer });
    const claims = (await app.receives(person, more)).claims();
    expect(claims).toMatchObject({ acr: 'phr', amr: ['pwd', 'otp', 'mfa', 'swk', 'user'] });
  });

  it('sends who has no key to add one', async () => {
    const person = world.person();
    await asks(person, { acr_values: 'phr' });
    await person.signsIn(await world.account());
    expect([person.heading, person.html.links.map(({ href }) => href)]).toEqual([
      'A passkey is needed',
      expect.arrayContaining(['/account/passkeys']),
    ]);
  });
});

describe('what an app asks for', () => {
  const errorOf = async (person: Person, params: Record<string, string>) => {
    await asks(person, params);
    return arrivalOf(person).searchParams.get('error') ?? 'code';
  };
  const essential = (acr: object) => JSON.stringify({ id_token: { acr: { essential: true, ...acr } } });

  it.each([
    ['a level reached', { acr_values: one }, 'code'],
    ['levels nobody knows', { acr_values: 'urn:example:gold silver' }, 'code'],
    ['one of several', { acr_values: `urn:example:gold ${one}` }, 'code'],
    ['more, of a request that shows no page', { acr_values: two, prompt: 'none' }, 'login_required'],
    [
      'more, as essential and without a page',
      { claims: essential({ value: two }), prompt: 'none' },
      'login_required',
    ],
    [
      'only levels nobody knows, as essential',
      { claims: essential({ value: 'gold' }) },
      'unmet_authentication_requirements',
    ],
    ['what is no list', { claims: essential({ values: 7 }) }, 'code'],
  ])('is answered: %s', async (_, params, expected) => {
    const person = world.person();
    await app.signsIn(person, await world.account());
    expect(await errorOf(person, params as Record<string, string>)).toBe(expected);
  });

  it('may stand in its registration, and a request goes before that', async () => {
    const strict = await openRelyingParty(world, { first_party: true, default_acr_values: [two] });
    const { person } = await withPasswordAlone();
    await person.goes(strict.asks().url);
    expect(person.heading).toBe('Two-step verification');
    await person.goes(strict.asks({ acr_values: one }).url);
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
    await person.goes(strict.asks({ claims: JSON.stringify({ id_token: { acr: { value: one } } }) }).url);
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
  });
});

describe('an API that asks for more (RFC 9470)', () => {
  const now = () => Math.floor(Date.now() / 1000);

  it('reads from introspection what the token was issued after, says what it wants, and is content then', async () => {
    const { person, account } = await withPasswordAlone();
    const wanted = { acrValues: [two, 'phr'], maxAge: 600 };
    const plain = await asks(person, {});
    const first = await app.introspects((await app.receives(person, plain)).access_token);
    expect([first['active'], first['acr'], first['auth_time']]).toEqual([true, undefined, undefined]);
    const challenge = stepUpChallenge(first, wanted, now()) ?? '';
    expect(challenge).toBe(
      `Bearer error="insufficient_user_authentication", error_description="A different authentication is needed", acr_values="${two} phr", max_age=600`,
    );

    const attempt = await asks(person, stepUpParameters(challenge) ?? {});
    expect(person.heading).toBe('Two-step verification');
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    const tokens = await app.receives(person, attempt);
    const told = await app.introspects(tokens.access_token);
    expect(told).toMatchObject({ acr: two, auth_time: tokens.claims()?.auth_time });
    expect(stepUpChallenge(told, wanted, now())).toBeUndefined();
    world.advance(aWhile);
    const later = stepUpChallenge(told, wanted, now()) ?? '';
    expect(stepUpParameters(later)).toEqual({ max_age: '600' });
    await asks(person, stepUpParameters(later) ?? {});
    expect(person.heading).toBe('Sign in');
    expect(stepUpParameters('Bearer error="invalid_token"')).toBeUndefined();
  });
});
