import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { symbols } from 'pino';
import { startDelivery } from '../../../src/mail/delivery.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty } from '../../support/relying-party.ts';
import { wrongCode } from '../../support/second-steps.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { rawGet, sendRaw } from './raw.ts';

/** What a log, the audit record and the stores must not tell (misuse cases LG-01, LG-03). */
let world: World;
const lines: string[] = [];
beforeAll(async () => {
  world = await openWorld();
  const log = world.services.log as unknown as Record<PropertyKey, unknown>;
  log[symbols.streamSym] = { write: (line: string) => lines.push(line) };
  log['level'] = 'debug';
});
afterAll(() => world.close());

/** A secret, and how it may look when somebody wrote it down in passing. */
function disguises(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = (text: Buffer) => text.toString('base64').replace(/=+$/, '');
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('base64url'),
    // Inside something longer it is shifted by a byte or two, and its ends differ.
    ...[0, 1, 2].map((shift) => base64(Buffer.concat([Buffer.alloc(shift), bytes])).slice(4, -4)),
    // Most of it is as good as all of it.
    ...(secret.length >= 24 ? [secret.slice(-16)] : []),
  ].filter((text) => text.length >= 6);
}

function found(secrets: Record<string, string>, where: Record<string, string>): string[] {
  const hits: string[] = [];
  for (const [name, secret] of Object.entries(secrets)) {
    if (!secret) throw new Error(`no ${name} to look for`);
    for (const [place, text] of Object.entries(where))
      for (const disguise of disguises(secret)) {
        const at = /^\d{6}$/.test(disguise)
          ? text.search(new RegExp(`(?<![\\w.])${disguise}(?!\\w)`))
          : text.indexOf(disguise);
        if (at >= 0) hits.push(`${name} in ${place}: ...${text.slice(Math.max(0, at - 80), at + 60)}`);
      }
  }
  return hits;
}

const secretOf = (cookie: string, name: string) =>
  new RegExp(`(?:^|; )${name}=[^;.]*\\.([^;]+)`).exec(cookie)?.[1] ?? '';
const signatureOf = (cookie: string) => /\.sig=([^;]+)/.exec(cookie)?.[1] ?? '';

describe('secrets', () => {
  it('stand in no log line, in no row of the audit record, and in no store as they are', async () => {
    const totp = 'MFXHIZLOMFXHIZLOMFXHIZLOMFXHIZLO';
    const secrets: Record<string, string> = {
      'the password': 'canary-Passw0rd+of/the=first&kind',
      'the next password': 'canary-Passw0rd+of/the=next&kind',
      'the reset password': 'canary-Passw0rd+of/the=reset&kind',
      'the new one’s password': 'canary-Passw0rd+of/the=new&kind',
      'a wrong password': 'canary-Passw0rd+that/is=wrong&kind',
      'the authenticator’s secret': totp,
    };
    const ana = await world.account({ password: secrets['the password'] ?? '', totpSecret: totp });
    const app = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    secrets['the app’s secret'] = app.clientSecret ?? '';
    const delivery = startDelivery(world.services);

    // Signing in with every factor, one mistake each, and all that an app does afterwards.
    const person = world.person();
    const attempt = app.asks({ scope: 'openid email offline_access', prompt: 'consent' });
    secrets['the verifier'] = attempt.verifier;
    await person.goes(attempt.url);
    await person.submits({ identifier: ana.identifier, password: secrets['a wrong password'] });
    await person.submits({ identifier: ana.identifier, password: ana.password });
    await person.submits({ code: await wrongCode(totp) });
    secrets['a code of the authenticator'] = await world.freshCode(totp);
    await person.submits({ code: secrets['a code of the authenticator'] });
    secrets['the signature of the interaction'] = signatureOf(person.cookieHeader());
    await person.decides('allow');
    const code = person.left?.searchParams.get('code') ?? '';
    secrets['the code'] = code.slice(-24);
    const tokens = (await app.redeems(code, attempt)).json;
    const rotated = (await app.refreshes(String(tokens['refresh_token']))).json;
    for (const [name, given] of Object.entries({ first: tokens, rotated })) {
      secrets[`the ${name} access token`] = String(given['access_token']).slice(-24);
      secrets[`the ${name} refresh token`] = String(given['refresh_token']).slice(-24);
      secrets[`the ${name} ID token`] = String(given['id_token']).slice(-40);
    }
    await app.userinfo(String(rotated['access_token']));
    await app.introspects(String(rotated['access_token']));
    await app.redeems(code, { verifier: 'w'.repeat(43) });
    await app.redeems(code, attempt);
    await app.refreshes(String(tokens['refresh_token']));
    await app.posts('revocation', { token: String(rotated['refresh_token']) });
    secrets['the session'] = secretOf(person.cookieHeader(`${world.issuer}/`), 'latchkey-session');

    // The account's own pages.
    await person.goes(`${world.issuer}/account/password`);
    await person.submits({
      password: secrets['a wrong password'],
      new_password: secrets['the next password'],
    });
    await person.submits({ password: ana.password, new_password: secrets['the next password'] });
    await person.goes(`${world.issuer}/account/two-step/new`);
    secrets['the second authenticator’s secret'] =
      /<[^>]*>((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})</.exec(person.html.source)?.[1]?.replaceAll(' ', '') ?? '';
    const second = secrets['the second authenticator’s secret'];
    await person.submits({ code: await wrongCode(second) });
    await person.submits({ code: await world.freshCode(second) });

    // A reset and a sign-up, whose codes went out by mail.
    const forgetful = await world.person().goes(app.asks().url);
    await forgetful.goes(`${forgetful.url}/forgot`);
    await forgetful.submits({ identifier: ana.identifier });
    secrets['the reset code'] = await world.codeSentTo(ana.identifier);
    await forgetful.submits({ code: secrets['the reset code'] });
    await forgetful.submits({ password: secrets['the reset password'] });
    const newcomer = await world.person().goes(app.asks().url);
    await newcomer.goes(`${newcomer.url}/sign-up`);
    const signUp = { name: 'Newcomer', identifier: 'newcomer@example.com' };
    await newcomer.submits({ ...signUp, password: secrets['the new one’s password'] });
    secrets['the sign-up code'] = await world.codeSentTo('newcomer@example.com');
    await newcomer.submits({ code: secrets['the sign-up code'] });

    await everythingWrong(newcomer, secrets);
    await delivery.stop();

    expect(lines.length).toBeGreaterThan(30);
    expect(found(secrets, { 'the log': lines.join('') })).toEqual([]);
    const { db } = world.services;
    const audit = JSON.stringify(await db.selectFrom('audit_events').selectAll().execute());
    const messages = JSON.stringify(await db.selectFrom('messages').selectAll().execute());
    expect(found(secrets, { audit, messages })).toEqual([]);
    // Who a person is stands in neither, only which account.
    expect(
      found({ address: ana.identifier, newcomer: 'newcomer@example.com' }, { log: lines.join(''), audit }),
    ).toEqual([]);

    // Nothing that a thief could use is stored as it is: hashed or sealed, all of it.
    const files = filesOf(world.services.settings.DATA_DIR);
    expect(found(secrets, files)).toEqual([]);
    // The search does find what is there to be found.
    expect(found({ id: ana.accountId }, { log: lines.join('') })).not.toEqual([]);
    expect(found({ address: ana.identifier }, files)).not.toEqual([]);
  });

  /** Secrets where they do not belong: in addresses, in refused bodies, in requests that end in an error. */
  async function everythingWrong(who: Person, secrets: Record<string, string>): Promise<void> {
    const password = secrets['the password'] ?? '';
    const inQuery = new URLSearchParams({
      password,
      client_secret: secrets['the app’s secret'] ?? '',
      code: secrets['the code'] ?? '',
      access_token: secrets['the first access token'] ?? '',
    });
    const headers = {
      cookie: `latchkey-session=${'a'.repeat(43)}.${secrets['the session']}; x=${password}`,
      authorization: `Bearer ${secrets['the first access token']}`,
      'x-forwarded-for': newAddress(),
      referer: `https://evil.test/?${inQuery}`,
    };
    for (const target of [
      '/authorize',
      '/token',
      '/nothing',
      '/account/activity',
      '/interaction/x',
      '/userinfo',
    ])
      await send(`${world.issuer}${target}?${inQuery}`, { headers });
    for (const target of [
      `/${encodeURIComponent(password)}`,
      `/interaction/${encodeURIComponent(password)}/password`,
    ])
      await send(`${world.issuer}${target}`, { headers, body: inQuery });
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
      for (const target of ['/token', '/introspect', `${new URL(who.url).pathname}/password`])
        await send(`${world.issuer}${target}`, {
          headers: { ...headers, 'content-type': type },
          body: `${inQuery}`,
        });
    await send(`${world.issuer}/account/password`, {
      headers: { ...headers, origin: 'https://evil.test' },
      body: inQuery,
    });
    await send(`${world.issuer}/token`, { headers, body: `${inQuery}&x=${'a'.repeat(100_000)}` });
    await sendRaw(world.port, rawGet(`/?${inQuery}`, ['Host: evil.test', `Cookie: x=${password}`]));

    // The store fails in the middle of it.
    const { db } = world.services;
    const person = await world.person().goes(`${world.issuer}/account`);
    await db.schema.alterTable('passwords').renameTo('elsewhere').execute();
    await person.submits({ identifier: 'somebody@example.com', password });
    expect(person.status).toBe(500);
    await db.schema.alterTable('elsewhere').renameTo('passwords').execute();
  }

  function filesOf(folder: string): Record<string, string> {
    const names = readdirSync(folder).filter((name) => name.endsWith('.db') || name.includes('.db-'));
    expect(names.length).toBeGreaterThan(1);
    return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(folder, name), 'latin1')]));
  }
});

describe('an event', () => {
  it('is one line of JSON, whatever is in it', async () => {
    const ana = await world.account();
    const evil = 'a\u2028b\u2029\u001b[31m","fake":"1"}%n\u0000\u0085\u009b';
    const visible = evil.replace(/\0/g, '');
    const from = lines.length;
    const who = await world.person().goes(`${world.issuer}/account`);
    await send(`${who.url}/password`, {
      body: new URLSearchParams({ identifier: ana.identifier, password: 'not the password' }),
      headers: {
        cookie: who.cookieHeader(),
        'sec-fetch-site': 'same-origin',
        'user-agent':
          Buffer.from(visible)
            .toString('latin1')
            .replaceAll(/\p{Cc}/gu, (c) => (c < ' ' ? ' ' : c)) + 'x'.repeat(8000),
        'x-forwarded-for': `${'9'.repeat(6000)}`,
        referer: `x${'%0a%0d{"level":"error"}'.repeat(50)}`,
      },
    });
    await send(`${world.issuer}/${encodeURIComponent(evil)}`, { headers: { accept: 'text/html' } });
    await send(`${world.issuer}/authorize?client_id=${encodeURIComponent(evil)}`);

    const written = lines.slice(from);
    expect(written.length).toBeGreaterThan(1);
    for (const line of written) {
      expect(line.endsWith('\n')).toBe(true);
      expect(line.trimEnd()).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(line.length).toBeLessThan(8000);
      expect(JSON.parse(line)).not.toHaveProperty('fake');
    }
    const rows = await world.services.db.selectFrom('audit_events').selectAll().execute();
    for (const row of rows) {
      expect(Object.values(row).join(' ')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect((row.user_agent ?? '').length).toBeLessThanOrEqual(400);
      expect(row.ip ?? '').toMatch(/^[\d.:a-f]*$/);
    }
  });
});
