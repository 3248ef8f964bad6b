import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { folder, json, latchkey, refusal } from '../support/operator.ts';

const files = 'https://files.example.com';
beforeAll(async () => {
  expect(await latchkey(['migrate'])).toMatchObject({ status: 0 });
});
afterAll(() => folder.remove());

const created = ['apis', 'create', files, '--name', 'Files'];
const scopes = ['--scope', 'files:read=See your files', '--scope', 'files:write?=Change them'];

describe('apis', () => {
  it('are registered, shown, changed and removed', async () => {
    const made = await json([...created, ...scopes]);
    expect(made).toMatchObject({
      identifier: files,
      token_format: 'jwt',
      token_lifetime: 300,
      signing_alg: 'ES256',
      scopes: [
        { name: 'files:read', title: 'See your files', optional: false },
        { name: 'files:write', title: 'Change them', optional: true },
      ],
    });
    expect(await json(['apis', 'show', files])).toEqual(made);
    const changed = await json(['apis', 'update', files, '--token-lifetime', '60', '--open-to-all']);
    expect(changed).toMatchObject({ token_lifetime: 60, open_to_all: true, scopes: made.scopes });
    expect((await json(['apis', 'list'])).map((api: { identifier: string }) => api.identifier)).toEqual([
      files,
    ]);
    expect(await json(['apis', 'metadata', files])).toMatchObject({
      resource: files,
      authorization_servers: ['http://localhost:3000'],
      scopes_supported: ['files:read', 'files:write'],
    });
    expect(await refusal(created)).toMatch(/--identifier is taken/);
    await json(['apis', 'delete', files]);
    expect(await refusal(['apis', 'show', files])).toMatch(/no API of ours/);
    const types = (await json(['audit', 'list'])).map((event: { type: string }) => event.type);
    expect(types).toEqual(expect.arrayContaining(['api.created', 'api.updated', 'api.deleted']));
  });

  it('that an app names before they are registered are told', async () => {
    const app = ['apps', 'create', '--client-id', 'uploader', '--redirect-uris', 'https://a.example/cb'];
    const said = await latchkey([...app, '--resources', 'https://none.example.com']);
    expect([said.status, said.stderr]).toEqual([
      0,
      expect.stringMatching(/none\.example\.com, .*`apis create`/),
    ]);
  });

  it('tell all problems by the flags that were typed', async () => {
    const wrong = ['apis', 'create', 'files#x', '--scope', 'read=Read', '--scope', 'openid=Sign in'];
    const said = await refusal([...wrong, '--token-lifetime', '300']);
    expect(said).toMatch(/--identifier must be an absolute address/);
    expect(said).toMatch(/--name must be/);
    expect(said).toMatch(/--scope\[0\].name needs a colon/);
    expect(said).toMatch(/--scope\[1\].name needs a colon/);
  });

  it('say what is wrong with a file, and are not written', async () => {
    const fromFile = [...created, '--file', '-'];
    expect(await refusal(fromFile, '{ scopes: [')).toMatch(/--file is neither YAML nor JSON: /);
    expect(await refusal(fromFile, '- files:read')).toMatch(/--file must hold an object/);
    expect(await refusal(['apis', 'show', files])).toMatch(/no API of ours/);
  });

  it('come from a file with their words in several languages, and from a seed as often as it is read', async () => {
    const api = {
      identifier: 'https://mail.example.com',
      name: { en: 'Mail', de: 'Post' },
      token_lifetime: 120,
      scopes: [{ name: 'mail:read', title: { en: 'Read', de: 'Lesen' }, optional: true }],
    };
    const file = join(folder.path, 'seed.yaml');
    writeFileSync(file, JSON.stringify({ apis: [api] }));
    expect((await json(['seed', file])).apis).toEqual([{ identifier: api.identifier, result: 'created' }]);
    expect((await json(['seed', file])).apis).toEqual([{ identifier: api.identifier, result: 'unchanged' }]);
    expect(await json(['apis', 'show', api.identifier])).toMatchObject(api);
    writeFileSync(file, JSON.stringify({ apis: [{ ...api, scopes: [{ name: 'mail' }] }] }));
    expect(await refusal(['seed', file])).toMatch(/apis\[0\]\.scopes\[0\]/);
  });
});
