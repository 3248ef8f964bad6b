import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { dataDir, folder, json, jsonOfProcess, latchkey, refusal } from '../support/operator.ts';

jest.setTimeout(300_000);

beforeAll(async () => {
  expect(await latchkey(['migrate'])).toMatchObject({ status: 0 });
});
afterAll(() => folder.remove());

describe('apps', () => {
  it('are registered with a secret that is shown once and stands nowhere afterwards', async () => {
    const made = await jsonOfProcess([
      'apps',
      'create',
      '--name',
      'Calendar',
      '--redirect-uri',
      'https://calendar.example/cb',
      '--redirect-uri',
      'https://calendar.example/other',
      '--scope',
      'openid email',
      '--first-party',
    ]);
    expect(made).toMatchObject({
      client_name: 'Calendar',
      redirect_uris: ['https://calendar.example/cb', 'https://calendar.example/other'],
      grant_types: ['authorization_code'],
      first_party: true,
      client_secret_expires_at: 0,
    });
    expect(made.client_secret).toHaveLength(43);
    for (const args of [
      ['apps', 'show', made.client_id],
      ['apps', 'list'],
      ['audit', 'list'],
    ])
      expect((await latchkey([...args, '--json'])).stdout).not.toContain(made.client_secret);
    const files = ['records.db', 'records.db-wal']
      .map((name) => join(dataDir, name))
      .filter((file) => existsSync(file));
    for (const file of files) expect(readFileSync(file).includes(made.client_secret)).toBe(false);
  });

  it('take several entries in one flag, with commas, and leave the commas within an address', async () => {
    const lists = ['--redirect-uris', 'https://a.example/cb,https://b.example/cb?list=1,2'];
    const types = ['--grant-types', 'urn:ietf:params:oauth:grant-type:device_code,refresh_token'];
    expect(await json(['apps', 'create', '--name', 'Several', ...lists, ...types])).toMatchObject({
      redirect_uris: ['https://a.example/cb', 'https://b.example/cb?list=1,2'],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    });
  });

  it('tell all problems by the flags that were typed', async () => {
    const answer = await latchkey([
      'apps',
      'create',
      '--redirect-uri',
      'http://a.example/',
      '--scope',
      'admin',
      '--logo-uri',
      'data:x',
      '--json',
    ]);
    expect(answer.status).toBe(1);
    expect(
      JSON.parse(answer.stdout)
        .problems.map((one: { field: string }) => one.field)
        .sort(),
    ).toEqual(['--logo-uri', '--redirect-uris[0]', '--scope']);
  });

  it('take members from a file, and a flag wins', async () => {
    const metadata = {
      client_name: 'From file',
      'client_name#de': 'Aus Datei',
      redirect_uris: ['https://a.example/'],
    };
    const made = await json(
      ['apps', 'create', '--metadata-file', '-', '--client-name', 'From flag', '--client-id', 'filed'],
      {
        stdin: JSON.stringify(metadata),
      },
    );
    expect(made).toMatchObject({
      client_id: 'filed',
      client_name: 'From flag',
      'client_name#de': 'Aus Datei',
    });
    expect(
      (await latchkey(['apps', 'create', '--client-id', 'filed', '--redirect-uri', 'https://a.example/']))
        .stderr,
    ).toMatch(/taken/);
  });

  it('change, lose members, rotate their secret, stop, start and go', async () => {
    const updated = await json([
      'apps',
      'update',
      'filed',
      '--policy-uri',
      'https://a.example/privacy',
      '--remove',
      'client_name#de',
    ]);
    expect(updated.policy_uri).toBe('https://a.example/privacy');
    expect(updated['client_name#de']).toBeUndefined();
    const rotated = await json(['apps', 'rotate-secret', 'filed', '--overlap', '0s']);
    expect(rotated.client_secret).toHaveLength(43);
    expect((await json(['apps', 'show', 'filed'])).secrets).toHaveLength(1);
    expect(await json(['apps', 'disable', 'filed', '--reason', 'phishing'])).toMatchObject({
      grants_revoked: 0,
    });
    expect((await json(['apps', 'show', 'filed'])).disabled_at).toBeDefined();
    expect(await json(['apps', 'enable', 'filed'])).toMatchObject({ changed: true });
    expect(await json(['apps', 'delete', 'filed'])).toMatchObject({ grants_revoked: 0 });
    expect(await refusal(['apps', 'show', 'filed'])).not.toBe('');
    const events = await json(['audit', 'list', '--client-id', 'filed']);
    expect(events.map((one: { type: string }) => one.type)).toEqual([
      'client.deleted',
      'client.enabled',
      'client.disabled',
      'client.secret_rotated',
      'client.updated',
      'client.created',
    ]);
  });
});

describe('accounts', () => {
  it('are made with a password from standard input or a file, held to the rules of every route', async () => {
    const short = await latchkey(['accounts', 'create', 'bob@example.com'], { stdin: 'short\n' });
    expect(short).toMatchObject({ status: 1 });
    expect(short.stderr).toMatch(/fewer than 8/);
    expect(await refusal(['accounts', 'create', 'bob@example.com'], 'password1\n')).toMatch(/attackers/);
    expect(
      await json(['accounts', 'create', 'bob@example.com', '--given-name', 'Bob'], {
        stdin: 'cobalt-lantern-3381\n',
      }),
    ).toMatchObject({
      account_id: expect.stringMatching(/^[\w-]{22}$/),
    });
    const file = join(folder.path, 'password');
    writeFileSync(file, 'cobalt-lantern-3381\n', { mode: 0o600 });
    expect(
      await json([
        'accounts',
        'create',
        '--email',
        'eve@example.com',
        '--email-verified',
        '--password-file',
        file,
      ]),
    ).toBeDefined();
    expect(await refusal(['accounts', 'create', '--email', 'eve@example.com', '--no-password'])).toMatch(
      /belongs to another/,
    );
    expect(await refusal(['accounts', 'create', '--name', 'Nobody', '--no-password'])).toMatch(/--email/);
  });

  it('are locked, unlocked, suspended, reinstated and removed, each recorded', async () => {
    const { account_id: id } = await json(['accounts', 'show', 'bob@example.com']);
    expect(await json(['accounts', 'lock', 'bob@example.com', '--reason', 'stolen phone'])).toMatchObject({
      account_id: id,
      sessions_ended: 0,
    });
    expect(await json(['accounts', 'show', id])).toMatchObject({ locked_reason: 'stolen phone' });
    await json(['accounts', 'unlock', id]);
    expect(await refusal(['accounts', 'unlock', id])).toMatch(/not locked/);
    await json(['accounts', 'suspend', id]);
    expect((await json(['accounts', 'show', id])).suspended_at).toBeDefined();
    await json(['accounts', 'reinstate', '--email', 'bob@example.com']);
    expect(await json(['sessions', 'list', id])).toEqual([]);
    expect(await json(['sessions', 'end', id, '--all'])).toMatchObject({ sessions_ended: 0 });
    expect(await json(['grants', 'list', id])).toEqual([]);
    expect(await refusal(['grants', 'revoke', id, '--client-id', 'nobody'])).toMatch(/no access/);
    await json(['accounts', 'delete', id]);
    expect(await refusal(['accounts', 'show', id])).not.toBe('');
    const events = await json(['audit', 'list', '--type', 'account.deleted', '--limit', '1']);
    expect(events).toMatchObject([{ account_id: id, actor: 'operator' }]);
  });
});

describe('keys and records', () => {
  it('rotates keys with overlap and never retires the last that signs', async () => {
    const rotated = await json(['keys', 'rotate', '--alg', 'RS256']);
    const keys = await json(['keys', 'list']);
    const states = (alg: string) =>
      keys.filter((key: { alg: string }) => key.alg === alg).map((key: { state: string }) => key.state);
    expect(states('RS256')).toEqual(['published', 'signing']);
    expect(states('ES256')).toEqual(['signing']);
    const signing = keys.find((key: { alg: string }) => key.alg === 'ES256');
    expect(await refusal(['keys', 'retire', signing.kid])).toMatch(/only one that signs/);
    expect(await json(['keys', 'retire', rotated.kids[0]])).toEqual({ kid: rotated.kids[0] });
  });

  it('takes an id that begins with a dash for an id, and a flag that nobody knows for a flag', async () => {
    for (const kid of ['-sS8iJ3UoD9fDuybGDy_Ts', '--S8iJ3UoD9fDuybGDy_Ts'])
      expect(await refusal(['keys', 'retire', kid])).not.toMatch(/is not a flag/);
    expect(await refusal(['keys', 'retire', '--at-once-and-for-good'])).toMatch(/is not a flag/);
  });

  it('finds the audit record whole, and the outbox empty', async () => {
    expect(await json(['audit', 'verify'])).toMatchObject({ problems: [] });
    expect(await json(['outbox', 'list'])).toEqual([]);
  });
});
