import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { withoutHaste } from '../support/doctor.ts';
import { dataDir, folder, json, jsonOfProcess, latchkey, refusal } from '../support/operator.ts';

jest.setTimeout(300_000);

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

  it('says which version it is', async () => {
    expect(await latchkey(['--version'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    [['apps', 'crate'], /Did you mean `apps create`/],
    [['app', 'list'], /Did you mean `apps list`/],
    [['accounts'], /needs a verb/],
    [['--colour', 'apps', 'list'], /comes before its flags/],
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

describe('the doctor', () => {
  it('finds healthy stores, and no server', async () => {
    const answer = await latchkey(['doctor', '--json'], { env: { ISSUER: 'http://localhost:1', PORT: '1' } });
    const findings: { about: string; verdict: string; finding: string }[] = JSON.parse(answer.stdout);
    expect(answer.status).toBe(0);
    const verdicts = (about: string) =>
      findings
        .filter((one) => one.about === about)
        .map(({ verdict, finding }) => withoutHaste(`${verdict} ${finding}`).split(' ')[0]);
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
