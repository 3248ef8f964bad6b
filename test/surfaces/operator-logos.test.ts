import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { folder, json, latchkey, refusal } from '../support/operator.ts';
import { dataUri, picture, pictureFile, pngOfBytes } from '../support/pictures.ts';

jest.setTimeout(300_000);

/** Where apps say that their logos are. */
const asks: string[] = [];
let served = picture('still.png');
const host = createServer((ask, answer) => {
  asks.push(ask.url ?? '');
  if (ask.url === '/logo') answer.end(served);
  else answer.writeHead(302, { location: '/logo' }).end();
});
let origin: string;
beforeAll(async () => {
  await once(host.listen(0, '127.0.0.1'), 'listening');
  origin = `http://localhost:${(host.address() as AddressInfo).port}`;
});
afterAll(() => {
  host.close();
  folder.remove();
});

const aside = ['--redirect-uri', 'https://a.example/cb'];
const file = (name: string, content: string | Buffer) => {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
};

async function fetching(args: string[], { stdin = '' }: { stdin?: string } = {}) {
  const answer = await latchkey([...args, '--json'], { stdin, env: { ALLOW_LOOPBACK_FETCH: 'on' } });
  expect(answer.status).toBe(0);
  return { data: JSON.parse(answer.stdout), notes: answer.stderr };
}

describe('a logo from a file', () => {
  it('is kept and told of, without the picture', async () => {
    const args = [
      'apps',
      'create',
      '--client-id',
      'filed',
      ...aside,
      '--logo-file',
      pictureFile('still.png'),
    ];
    const made = await json(args);
    expect(made.logo).toMatchObject({ media_type: 'image/png', size: 218, source: 'file' });
    expect(await json(['apps', 'show', 'filed'])).toMatchObject({ logo: made.logo });
    expect(JSON.stringify(made)).not.toContain(picture('still.png').toString('base64').slice(0, 20));
  });

  it('may come from standard input, as bytes and not as text', async () => {
    const desk = latchkey(['apps', 'update', 'filed', '--logo-file', '-'], {
      stdin: picture('still.gif'),
    });
    expect(await desk).toMatchObject({ status: 0, stdout: expect.stringContaining('Changed.') });
    expect((await json(['apps', 'show', 'filed'])).logo).toMatchObject({
      media_type: 'image/gif',
      size: 180,
    });
  });

  it('stays when something else changes, is replaced, and goes', async () => {
    const update = (...args: string[]) => json(['apps', 'update', 'filed', ...args]);
    expect((await update('--client-name', 'Filed')).logo).toMatchObject({ media_type: 'image/gif' });
    expect((await update('--logo-file', pictureFile('lossy.webp'))).logo.media_type).toBe('image/webp');
    expect((await update('--logo-file', pictureFile('lossy.webp'))).logo.media_type).toBe('image/webp');
    expect((await update('--no-logo')).logo).toBeUndefined();
    const events = await json(['audit', 'list', '--client-id', 'filed', '--type', 'client.updated']);
    const members = events.map((event: { detail: { members: string[] } }) => event.detail.members);
    expect(members).toEqual([['logo'], ['logo'], ['client_name'], ['logo']]);
  });

  it.each([
    ['page.png', '<script>alert(1)</script>', /--logo-file is not a PNG/],
    ['drawing.svg', '<svg/>', /--logo-file is an SVG/],
    ['large.png', pngOfBytes(24_001), /--logo-file has more than 24 kB/],
    ['moving.gif', picture('moving.gif'), /--logo-file is animated/],
  ])('is refused when it is %s, and the app is not registered', async (name, content, sentence) => {
    const args = ['--client-id', 'refused', ...aside, '--logo-file', file(name, content)];
    expect(await refusal(['apps', 'create', ...args])).toMatch(sentence);
    expect(await refusal(['apps', 'show', 'refused'])).toMatch(/no app/);
  });

  it('must be there, and not beside --no-logo', async () => {
    const update = ['apps', 'update', 'filed', '--logo-file'];
    expect(await refusal([...update, 'nowhere.png'])).toMatch(/no such file/);
    expect(await refusal([...update, pictureFile('still.png'), '--no-logo'])).toMatch(/Keep one/);
  });
});

describe('a logo at an address', () => {
  it('is fetched once, when the app is registered, and again when an operator says so', async () => {
    const where = `${origin}/logo`;
    const { data } = await fetching(['apps', 'create', '--client-id', 'far', ...aside, '--logo-uri', where]);
    expect(data).toMatchObject({ logo_uri: where, logo: { source: where, media_type: 'image/png' } });
    await fetching(['apps', 'update', 'far', '--client-name', 'Far']);
    expect(asks).toEqual(['/logo']);

    // What the address answers today is not what people see, until somebody looked at it.
    served = picture('still.jpg');
    expect((await json(['apps', 'show', 'far'])).logo.media_type).toBe('image/png');
    const again = await fetching(['apps', 'update', 'far', '--logo-uri', where]);
    expect(again.data.logo.media_type).toBe('image/jpeg');
    expect(asks).toEqual(['/logo', '/logo']);
  });

  it('that cannot be fetched is told as a note: what was there before stays', async () => {
    const moved = await fetching(['apps', 'update', 'far', '--logo-uri', `${origin}/elsewhere`]);
    expect(moved.notes).toMatch(/^note: logo_uri leads on to another address.*the logo it had stays/m);
    expect(moved.data).toMatchObject({ logo_uri: `${origin}/elsewhere`, logo: { source: `${origin}/logo` } });
    served = Buffer.from('<html>');
    const page = await fetching([
      'apps',
      'create',
      '--client-id',
      'new',
      ...aside,
      '--logo-uri',
      `${origin}/logo`,
    ]);
    expect(page.notes).toMatch(/logo_uri is not a PNG.*the app's initial is shown; try again with/);
    expect(page.data.logo).toBeUndefined();
    served = picture('still.png');
  });

  it('goes with its address', async () => {
    await fetching(['apps', 'update', 'far', '--logo-uri', `${origin}/logo`]);
    const removed = await json(['apps', 'update', 'far', '--remove', 'logo_uri']);
    expect([removed.logo, removed.logo_uri]).toEqual([undefined, undefined]);
    await fetching(['apps', 'update', 'far', '--logo-uri', `${origin}/logo`]);
    const none = await json(['apps', 'update', 'far', '--no-logo']);
    expect([none.logo, none.logo_uri]).toEqual([undefined, undefined]);
  });

  it('on this machine is not asked for, where the settings do not say so (misuse case DC-05)', async () => {
    asks.length = 0;
    const args = ['apps', 'create', '--client-id', 'near', ...aside, '--logo-uri', `${origin}/logo`];
    const answer = await latchkey(args);
    expect(answer).toMatchObject({ status: 0, stderr: expect.stringMatching(/only https addresses/) });
    expect(asks).toEqual([]);
  });
});

describe('a logo in a seed', () => {
  const seedOf = (members: object) =>
    JSON.stringify({ apps: [{ client_id: 'seeded', redirect_uris: ['https://a.example/'], ...members }] });
  const results = async (members: object) => {
    const { data, notes } = await fetching(['seed', '-'], { stdin: seedOf(members) });
    return [data.apps[0].result, notes];
  };
  const logo = async () => (await json(['apps', 'show', 'seeded'])).logo;

  it('may be the picture itself, which is not among the metadata', async () => {
    const logo_uri = dataUri(picture('still.png'));
    expect(await results({ logo_uri })).toEqual(['created', '']);
    expect(await results({ logo_uri })).toEqual(['unchanged', '']);
    expect(await logo()).toMatchObject({ source: 'data', media_type: 'image/png' });
    expect((await json(['apps', 'show', 'seeded'])).logo_uri).toBeUndefined();
  });

  it('is replaced, fetched once, and gone when the seed has none', async () => {
    asks.length = 0;
    const logo_uri = `${origin}/logo`;
    expect(await results({ logo_uri })).toEqual(['changed', '']);
    expect(await results({ logo_uri })).toEqual(['unchanged', '']);
    expect([asks, (await logo()).source]).toEqual([['/logo'], logo_uri]);
    expect(await results({})).toEqual(['changed', '']);
    expect(await logo()).toBeUndefined();
  });

  it('that cannot be fetched is told, and asked for again by the next seed', async () => {
    const [result, notes] = await results({ logo_uri: `${origin}/elsewhere` });
    expect([result, notes]).toEqual(['changed', expect.stringMatching(/note: apps\[0\]: logo_uri leads on/)]);
    asks.length = 0;
    await results({ logo_uri: `${origin}/elsewhere` });
    expect(asks).toEqual(['/elsewhere']);
  });

  it('that is no logo stops the seed before anything is written', async () => {
    const wrong = seedOf({ logo_uri: dataUri(picture('moving.png')) });
    const answer = await latchkey(['seed', '-'], { stdin: wrong.replace('seeded', 'unseeded') });
    expect(answer).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/apps\[0\]\.logo_uri is animated/),
    });
    expect(await refusal(['apps', 'show', 'unseeded'])).not.toBe('');
  });
});
