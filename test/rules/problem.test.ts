import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueFull } from '../../src/kit/bounded-queue.ts';
import { Problem } from '../../src/web/problem.ts';
import { openPageServer } from '../support/gallery-server.ts';
import { answerOf, rawAnswerOf } from '../support/gallery-wire.ts';

let server: Awaited<ReturnType<typeof openPageServer>>;
beforeAll(async () => {
  server = await openPageServer((router) => {
    router.get('/boom', () => {
      throw new TypeError('secret detail of /srv/app.ts');
    });
    router.get('/string', () => {
      throw 'not even an error';
    });
    router.get('/busy', () => {
      throw new QueueFull(7);
    });
    router.get('/wait', () => {
      throw new Problem({ status: 429, code: 'too_many_requests', retryAfter: 0.4 });
    });
    router.get('/app', () => {
      const detail = 'invalid_scope: <script>alert(1)</script>';
      throw new Problem({ status: 400, code: 'invalid_scope', messageKey: 'problem.app_request', detail });
    });
    router.get('/wordless', () => {
      throw new Problem({ status: 400, code: 'no_such_words' });
    });
    router.get('/fine', (ctx) => {
      ctx.body = 'fine';
    });
    router.get('/healthz', (ctx) => {
      ctx.body = 'ok';
    });
  });
});
afterAll(() => server.close());

const html = { accept: 'text/html' };
const ask = (path: string, headers: Record<string, string> = html, method = 'GET') =>
  answerOf(server.origin, { path, headers, method });

describe('the error page', () => {
  it.each([
    ['/nowhere', 404, 'not_found', 'There is no such page'],
    ['/boom', 500, 'internal', 'Something went wrong'],
    ['/string', 500, 'internal', 'Something went wrong'],
    ['/busy', 503, 'unavailable', 'Back in a moment'],
    ['/wait', 429, 'too_many_requests', 'Please wait a little'],
  ])('of %s is %i %s', async (path, status, code, title) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(`<meta name="latchkey-error" content="${code}">`);
    expect(answer.text.match(/<h1>(.*?)<\/h1>/g)).toEqual([`<h1>${title}</h1>`]);
    expect(answer.text).toContain('role="alert"');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });

  it('says when to come back, in whole seconds', async () => {
    expect((await ask('/busy')).headers['retry-after']).toBe('7');
    expect((await ask('/wait')).headers['retry-after']).toBe('1');
  });

  it('tells people nothing of the cause; the log has it under the same reference', async () => {
    const { text } = await ask('/boom');
    expect(text).not.toMatch(/secret|TypeError|app\.ts|at .*\.ts/);
    const [, reference] = /([0-9A-Z]{4}-[0-9A-Z]{4})/.exec(text) ?? [];
    const line = server.logged.find((members) => (members as { reference?: string }).reference === reference);
    expect(line).toMatchObject({ problem: 'internal', error: { message: 'secret detail of /srv/app.ts' } });
  });

  it('never takes its reference from the request', async () => {
    const { text } = await ask('/boom', { ...html, 'x-request-id': 'AAAABBBBCCCC' });
    expect(text).not.toContain('AAAA-BBBB');
  });

  it('shows technical detail as text', async () => {
    const { text } = await ask('/app');
    expect(text).toContain('invalid_scope: &lt;script&gt;');
    expect(text).not.toContain('<script>alert');
  });

  it('does not repeat the address', async () => {
    const { text } = await ask('/%3Cscript%3Ealert(1)%3C/script%3E?x=%22onload');
    expect(text).not.toMatch(/alert\(|onload/);
  });

  it('is JSON for who asks for JSON', async () => {
    const { text, headers } = await ask('/nowhere', { accept: 'application/json' });
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(JSON.parse(text)).toEqual({
      error: 'not_found',
      reference: expect.stringMatching(/^\w{4}-\w{4}$/),
    });
  });

  it('speaks the reader’s language', async () => {
    const { text } = await ask('/nowhere?ui_locales=xx+ar', { ...html, 'accept-language': 'de' });
    expect(text).toContain('<html lang="ar" dir="rtl">');
    expect((await ask('/nowhere', { ...html, 'accept-language': 'de-CH, en;q=0.5' })).text).toContain(
      'Diese Seite gibt es nicht',
    );
  });

  it('falls back to a line of text when it cannot be made', async () => {
    const { status, text } = await ask('/wordless');
    expect(status).toBe(400);
    expect(text).toMatch(/^Something went wrong\. Reference \w{4}-\w{4}$/m);
  });

  it('answers a known address asked in the wrong way with 405 and Allow', async () => {
    const { status, headers, text } = await ask('/fine', html, 'DELETE');
    expect(status).toBe(405);
    expect(headers.allow).toMatch(/GET/);
    expect(text).toContain('content="method_not_allowed"');
    expect((await ask('/fine', html, 'PROPFIND')).status).toBe(405);
  });
});

describe('the host guard', () => {
  it.each([
    ['another name', { host: 'evil.test' }],
    ['our name on another port', { host: 'localhost:1' }],
    ['our name with a dot more', { host: 'localhost.:80' }],
    ['our address', { host: '127.0.0.1' }],
    ['another name, forwarded as ours', { host: 'evil.test', 'x-forwarded-host': 'localhost' }],
  ])('refuses %s with 421', async (_, headers) => {
    const { status, text } = await ask('/fine', { ...html, ...headers });
    expect(status).toBe(421);
    expect(text).not.toContain('evil.test');
  });

  it('lets load balancers ask for health under any name', async () => {
    expect((await ask('/healthz', { host: '10.0.0.7' })).status).toBe(200);
  });

  it('does not care what a proxy says the host was', async () => {
    expect(
      (await ask('/fine', { 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' })).status,
    ).toBe(200);
  });

  it('refuses two hosts, an absolute address and none at all', async () => {
    const { host } = new URL(server.origin);
    const first = (text: string) => text.split('\r\n', 1)[0];
    const end = 'Connection: close\r\n\r\n';
    const two = await rawAnswerOf(
      server.origin,
      `GET /fine HTTP/1.1\r\nHost: ${host}\r\nHost: evil.test\r\n${end}`,
    );
    expect(first(two)).toMatch(/ 4(00|21) /);
    const absolute = await rawAnswerOf(
      server.origin,
      `GET http://evil.test/fine HTTP/1.1\r\nHost: ${host}\r\n${end}`,
    );
    expect(first(absolute)).toMatch(/ 421 /);
    const none = await rawAnswerOf(server.origin, `GET /fine HTTP/1.0\r\n${end}`);
    expect(first(none)).toMatch(/ 421 /);
  });
});
