import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isOwnPath } from '../../src/web/see-other.ts';
import { openPageServer } from '../support/gallery-server.ts';
import { answerOf } from '../support/gallery-wire.ts';

let server: Awaited<ReturnType<typeof openPageServer>>;
beforeAll(async () => {
  server = await openPageServer((router) => {
    router.all('/act', (ctx) => {
      ctx.body = 'done';
    });
  });
});
afterAll(() => server.close());

async function statusOf(method: string, headers: Record<string, string>): Promise<number> {
  const origin = headers['origin'] === 'ours' ? { origin: server.origin } : {};
  return (await answerOf(server.origin, { method, path: '/act', headers: { ...headers, ...origin } })).status;
}

describe('a request that can change something', () => {
  it.each([
    ['our page, says the browser', { 'sec-fetch-site': 'same-origin', cookie: 'a=b' }, 200],
    ['the person’s own doing', { 'sec-fetch-site': 'none', cookie: 'a=b' }, 200],
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['another site that names our origin', { 'sec-fetch-site': 'cross-site', origin: 'ours' }, 403],
    ['a host beside ours', { 'sec-fetch-site': 'same-site', origin: 'ours', cookie: 'a=b' }, 403],
    ['a word no browser says', { 'sec-fetch-site': 'same-origin, none' }, 403],
    ['an older browser, on our page', { origin: 'ours', cookie: 'a=b' }, 200],
    ['an older browser, on another page', { origin: 'https://evil.test' }, 403],
    ['an older browser that hides it', { origin: 'null', cookie: 'a=b' }, 403],
    ['a still older one, on another page', { referer: 'https://evil.test/page', cookie: 'a=b' }, 403],
    ['a still older one, on no page at all', { referer: 'nonsense', cookie: 'a=b' }, 403],
    ['a program with a session', { cookie: 'a=b' }, 200],
    ['a program without a session', {}, 200],
  ])('from %s', async (_, headers, status) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect([method, await statusOf(method, headers as unknown as Record<string, string>)]).toEqual([
        method,
        status,
      ]);
  });

  it('is not what a GET is', async () => {
    expect(await statusOf('GET', { 'sec-fetch-site': 'cross-site', cookie: 'a=b' })).toBe(200);
  });
});

describe('a path we send people to', () => {
  it.each(['/', '/account', '/interaction/abc-_123?from=x&y=%20#top', '/a/b.c~d'])('may be %s', (path) => {
    expect(isOwnPath(path)).toBe(true);
  });

  it.each([
    '//evil.test',
    '/\\evil.test',
    '\\/evil.test',
    '/\t/evil.test',
    '/%09/../\n/evil.test',
    'https:evil.test',
    'https://evil.test/',
    '///evil',
    '/auth/..//evil.test',
    'javascript:alert(1)',
    'data:text/html,x',
    '@evil.test',
    'account',
    '',
    '/\u2215evil.test',
    '/a b',
    '/a\r\nset-cookie:x=y',
  ])('may not be %j', (path) => {
    expect(isOwnPath(path)).toBe(false);
  });
});
