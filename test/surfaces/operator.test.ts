import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Reply } from '../../src/operator/command.ts';
import { openDesk } from '../../src/operator/desk.ts';
import { runCommand } from '../../src/operator/run-command.ts';
import { testFolder } from '../support/stores.ts';

/** The command line as an operator has it: a process of its own, on a folder of its own. */
jest.setTimeout(60_000);
const folder = testFolder();
const dataDir = join(folder.path, 'data');
const program = resolve('bin/latchkey.mjs');

type Answer = { status: number | null; stdout: string; stderr: string };

async function latchkey(
  args: string[],
  { stdin = '', env = {} }: { stdin?: string; env?: Record<string, string> } = {},
): Promise<Answer> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder.path, DATA_DIR: dataDir, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const answer: Answer = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    answer.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    answer.stderr += text;
  });
  child.stdin.end(stdin);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status) => done({ ...answer, status }));
  });
}

/** The same within this process, which is quicker: only src/cli.ts, which prints, is left out. */
async function inProcess(args: string[], stdin = ''): Promise<Reply> {
  const desk = openDesk({
    environment: { DATA_DIR: dataDir },
    stdin: Readable.from([stdin]) as unknown as NodeJS.ReadStream,
    stderr: process.stderr,
    serve: async () => {},
  });
  return runCommand(desk, args).finally(() => desk.close());
}

// biome-ignore lint/suspicious/noExplicitAny: what a command answers is looked at, not used
async function json(args: string[], { stdin }: { stdin?: string } = {}): Promise<any> {
  const reply = await inProcess(args, stdin);
  if (!reply.ok || reply.failed) throw new Error(`${args.join(' ')}: ${JSON.stringify(reply)}`);
  return JSON.parse(JSON.stringify(reply.data));
}

// biome-ignore lint/suspicious/noExplicitAny: as above
async function jsonOfProcess(args: string[], options?: { stdin?: string }): Promise<any> {
  const answer = await latchkey([...args, '--json'], options);
  if (answer.status !== 0) throw new Error(`${args.join(' ')}: ${answer.stdout}${answer.stderr}`);
  return JSON.parse(answer.stdout);
}

async function refusal(args: string[], stdin?: string): Promise<string> {
  const reply = await inProcess(args, stdin);
  return reply.ok ? '' : reply.problems.map(({ field, problem }) => `${field ?? ''} ${problem}`).join('\n');
}

const seedFile = join(folder.path, 'seed.yaml');
const seedText = `
accounts:
  - email: alice@example.com
    email_verified: true
    password: violet-anchor-7291-meadow
    totp_secret: JBSWY3DPEHPK3PXP
    name: Alice Adams
apps:
  - client_id: photos
    client_secret: chosen-secret-0123456789-0123456789
    client_name: Photos
    redirect_uris: ["http://localhost:9999/cb"]
  - client_id: made
    redirect_uris: ["http://localhost:9998/cb"]
`;

beforeAll(async () => {
  writeFileSync(seedFile, seedText);
  expect(await latchkey(['migrate'])).toMatchObject({ status: 0 });
});
afterAll(() => folder.remove());

describe('the help', () => {
  it('is there at each level', async () => {
    expect((await latchkey(['--help'])).stdout).toMatch(/apps rotate-secret/);
    expect((await latchkey(['apps', '--help'])).stdout).toMatch(/apps update/);
    const create = await latchkey(['apps', 'create', '--help']);
    expect(create.stdout).toMatch(/--redirect-uris <value>/);
    expect(create.status).toBe(0);
  });

  it.each([
    [['apps', 'crate'], /Did you mean `apps create`/],
    [['app', 'list'], /Did you mean `apps list`/],
    [['accounts'], /needs a verb/],
    [['apps', 'list', '--colour=red'], /--colour is not a flag/],
    [['apps', 'create', '--client-secret=x'], /secrets are never arguments/],
    [['accounts', 'create', '--password', 'x'], /secrets are never arguments/],
    [['apps', 'show'], /--client-id is missing/],
    [['audit', 'list', '--limit', '9999'], /--limit must be from 1 to 1000/],
    [['audit', 'list', '--limit', '--json'], /--limit/],
    [['apps', 'list', 'extra'], /too much/],
    [['apps', 'show', 'nobody'], /no app of ours/],
    [['accounts', 'show', 'nobody@example.com'], /no account/],
    [['seed', 'nowhere.yaml'], /there is no such file/],
    [['keys', 'retire', 'x'], /no key of ours/],
  ])('answers %j with one clear sentence', async (args, sentence) => {
    const said = (await refusal(args)).split('\n');
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(sentence);
  });
});

describe('what is refused', () => {
  it('is said on standard error without a stack, and by the exit status', async () => {
    const answer = await latchkey(['apps', 'show', 'nobody']);
    expect(answer).toEqual({
      status: 1,
      stdout: '',
      stderr: 'latchkey: --client-id is no app of ours. See `apps list`.\n',
    });
  });
});

describe('settings', () => {
  it('are explained', async () => {
    const shown = await json(['settings']);
    expect(shown.map((one: { name: string }) => one.name)).toContain('ISSUER');
    expect(shown.every((one: { description: string }) => one.description.length > 10)).toBe(true);
  });

  it('that are wrong are all told, with what a machine can read', async () => {
    const answer = await latchkey(['apps', 'list', '--json'], {
      env: { ISSUER: 'http://a.example', PORT: 'x' },
    });
    expect(answer.status).toBe(1);
    expect(JSON.parse(answer.stdout).problems.map((one: { field: string }) => one.field)).toEqual([
      'ISSUER',
      'PORT',
    ]);
  });

  it('keep DATA_DIR and its secrets to their owner', () => {
    expect(statSync(dataDir).mode & 0o077).toBe(0);
  });
});

describe('a seed', () => {
  it('makes what is missing, and repeated changes nothing', async () => {
    const first = await jsonOfProcess(['seed', seedFile]);
    expect(first.accounts).toMatchObject([{ account: 'alice@example.com', result: 'created' }]);
    expect(first.apps).toMatchObject([
      { client_id: 'photos', result: 'created' },
      { client_id: 'made', result: 'created' },
    ]);
    expect(first.apps[0].client_secret).toBeUndefined();
    expect(first.apps[1].client_secret).toHaveLength(43);
    const before = await json(['accounts', 'show', 'alice@example.com']);
    const again = await jsonOfProcess(['seed', seedFile]);
    expect([...again.accounts, ...again.apps].map((one) => one.result)).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
    ]);
    expect(again.apps[1].client_secret).toBeUndefined();
    expect(await json(['accounts', 'show', 'alice@example.com'])).toEqual(before);
  });

  it('brings changes in, from standard input too', async () => {
    const changed = seedText
      .replace('Alice Adams', 'Alice Baker')
      .replace('client_name: Photos', 'client_name: Pictures');
    const answer = await json(['seed', '-'], { stdin: changed });
    expect([...answer.accounts, ...answer.apps].map((one) => one.result)).toEqual([
      'changed',
      'changed',
      'unchanged',
    ]);
    expect(await json(['accounts', 'show', 'alice@example.com'])).toMatchObject({ name: 'Alice Baker' });
    expect(await json(['apps', 'show', 'photos'])).toMatchObject({ client_name: 'Pictures' });
    const events = await json(['audit', 'list', '--client-id', 'photos', '--type', 'client.updated']);
    expect(events[0]).toMatchObject({ actor: 'operator', detail: { members: ['client_name'] } });
  });

  it('writes nothing when anything in it is wrong', async () => {
    const wrong = `${seedText}  - client_id: third\n    redirect_uris: ["http://evil.example/"]\n`;
    const answer = await latchkey(['seed', '-'], { stdin: wrong.replace('alice@', 'zoe@') });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toMatch(/apps\[2\]\.redirect_uris\[0\] is plain http/);
    expect(await refusal(['accounts', 'show', 'zoe@example.com'])).not.toBe('');
  });
});

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
    expect(await refusal(['grants', 'revoke', id, '--client-id', 'photos'])).toMatch(/no access/);
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

  it('finds the audit record whole, and the outbox empty', async () => {
    expect(await json(['audit', 'verify'])).toMatchObject({ problems: [] });
    expect(await json(['outbox', 'list'])).toEqual([]);
  });
});

describe('the doctor', () => {
  it('finds healthy stores, and no server', async () => {
    const answer = await latchkey(['doctor', '--json'], { env: { ISSUER: 'http://localhost:1', PORT: '1' } });
    const findings: { about: string; verdict: string; advice?: string }[] = JSON.parse(answer.stdout);
    expect(answer.status).toBe(0);
    const verdicts = (about: string) =>
      findings.filter((one) => one.about === about).map((one) => one.verdict);
    expect(verdicts('records')).toEqual(['OK', 'OK']);
    expect(verdicts('live')).toEqual(['OK']);
    expect(verdicts('folder')).toEqual(['OK']);
    expect(verdicts('issuer')).toEqual(['WARN']);
  });

  it('fails on settings that are wrong, and on stores and mail servers that do not answer', async () => {
    const wrong = await latchkey(['doctor'], { env: { ISSUER: 'http://login.example' } });
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toMatch(/FAIL\s+settings\s+ISSUER/);
    const dead = await latchkey(['doctor', '--json'], {
      env: {
        DATABASE_URL: 'postgres://someone:hush-hush@127.0.0.1:1/latchkey',
        REDIS_URL: 'redis://:hush-hush@127.0.0.1:1',
        SMTP_URL: 'smtp://127.0.0.1:1',
        SECRETS_KEY: Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64url'),
        COOKIE_KEYS: 'a'.repeat(32),
      },
    });
    expect(dead.status).toBe(1);
    const failed = JSON.parse(dead.stdout).filter((one: { verdict: string }) => one.verdict === 'FAIL');
    expect(failed.map((one: { about: string }) => one.about).sort()).toEqual([
      'live',
      'mail',
      'records',
      'settings',
    ]);
    expect(failed.every((one: { advice?: string }) => one.advice)).toBe(true);
    expect(dead.stdout).not.toContain('hush-hush');
  });
});
