import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { readSettings } from '../../src/settings.ts';
import { showPage } from '../../src/web/page.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';
import { openPageServer } from '../support/gallery-server.ts';
import { answerOf } from '../support/gallery-wire.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), 'latchkey-pages-'));
const template = (name: string, text: string) => {
  const file = path.join(dir, `${name}.ejs`);
  writeFileSync(file, text);
  return file;
};

let server: Awaited<ReturnType<typeof openPageServer>>;
beforeAll(async () => {
  const samples: Record<string, [string, object]> = {
    good: [
      '<h1><%= v.title %></h1><p><%= v.name %></p><%- v.part("notice", { text: v.name }) %>',
      { name: '<b>"\'&' },
    ],
    misspelt: ['<%= v.nmae %>', { name: 'x' }],
    deep: ['<%= v.person.name %>', { person: {} }],
    bare: ['<%= name %>', { name: 'x' }],
    inherited: ['<%= v.constructor %>', {}],
    clash: ['<%= v.t("shared.save") %>', { t: 'mine' }],
    includes: ['<%- include("good") %>', {}],
    options: [
      '<%= v.name %>',
      { name: 'fine', settings: { 'view options': { escape: 'alert' } }, cache: true },
    ],
    problems: ['<h1><%= v.title %></h1>', { problems: { code: 'form.invalid' } }],
  };
  server = await openPageServer(
    (router) => {
      for (const [name, [text, view]] of Object.entries(samples)) {
        const file = template(name, text);
        router.get(`/${name}`, (ctx) => showPage(ctx, { template: file, title: 'A <title>', view }));
        router.get(`/account/${name}`, (ctx) =>
          showPage(ctx, { template: file, title: 'A', view, shell: 'account' }),
        );
      }
    },
    { BRAND_NAME: 'Wren & Co', PRIVACY_URL: 'https://wren.example/privacy?a=1&b="2"' },
  );
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

const ask = (address: string, headers: Record<string, string> = {}) =>
  answerOf(server.origin, { path: address, headers: { accept: 'text/html', ...headers } });

describe('a page', () => {
  it('escapes what it was given, everywhere', async () => {
    const { text } = await ask('/good');
    expect(text).toContain('<p>&lt;b&gt;&quot;&#39;&amp;</p>');
    expect(text).toContain('<title>A &lt;title&gt; · Wren &amp; Co</title>');
    expect(text).toContain('href="https://wren.example/privacy?a=1&amp;b=');
    expect(text).not.toContain('<b>');
  });

  it.each(['misspelt', 'deep', 'bare', 'inherited', 'clash', 'includes'])(
    'is an error, not half a page, when its template is %s',
    async (name) => {
      const { status, text } = await ask(`/${name}`);
      expect(status).toBe(500);
      expect(text).toContain('content="internal"');
    },
  );

  it('takes no template option from what it was given', async () => {
    expect((await ask('/options')).text).toContain('fine');
  });

  it('says in its name that something needs another look', async () => {
    expect((await ask('/problems')).text).toContain('<title>Problem: A &lt;title&gt;');
  });

  it('allows its own scripts by a nonce that is new each time', async () => {
    const nonceOf = (text: string) => /script-src 'nonce-([\w-]+)'/.exec(text)?.[1];
    const [one, two] = [await ask('/good'), await ask('/good')];
    const nonce = nonceOf(String(one.headers['content-security-policy']));
    expect(one.text).toContain(`<script nonce="${nonce}"`);
    expect(nonceOf(String(two.headers['content-security-policy']))).not.toBe(nonce);
  });

  it('holds forms to our own pages only where no answer leads to an app', async () => {
    expect((await ask('/good')).headers['content-security-policy']).not.toContain('form-action');
    expect((await ask('/account/good')).headers['content-security-policy']).toContain("form-action 'self'");
  });

  it('has the headers of a careful page, on every answer', async () => {
    const { text } = await ask('/good');
    const style = /href="(\/assets\/style\.[^"]+)"/.exec(text)?.[1] ?? '';
    for (const address of ['/good', '/nowhere', '/misspelt', style]) {
      const { headers } = await ask(address);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('strict-transport-security');
      expect(headers['content-type']).toMatch(/charset=utf-8/);
    }
  });
});

it('tells browsers to keep to https, where the issuer is https', () => {
  const settings = readSettings({ ISSUER: 'https://id.example', SMTP_URL: 'smtp://mail.example' });
  const headers: Record<string, string> = {};
  const set = (one: object | string, value?: string) =>
    Object.assign(headers, typeof one === 'string' ? { [one]: value } : one);
  const ctx = { req: {}, state: {}, set } as unknown as Context;
  void securityHeaders({ settings })(ctx, async () => {});
  expect(headers['Strict-Transport-Security']).toBe('max-age=63072000');
});

describe('an asset', () => {
  const styleAddress = async () =>
    /href="(\/assets\/style\.[^"]+)"/.exec((await ask('/good')).text)?.[1] ?? '';

  it('may be kept for good, because its name is its content', async () => {
    const { headers, text } = await ask(await styleAddress());
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(text).toContain('--accent:light-dark(');
  });

  it('comes compressed as asked, and not again when it is known', async () => {
    const address = await styleAddress();
    const plain = (await ask(address)).text;
    for (const encoding of ['br', 'gzip']) {
      const response = await fetch(server.origin + address, { headers: { 'accept-encoding': encoding } });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(response.headers.get('vary')).toContain('Accept-Encoding');
      expect(await response.text()).toBe(plain);
    }
    expect(plain.length).toBeGreaterThan(5000);
    const { headers } = await ask(address);
    expect((await ask(address, { 'if-none-match': String(headers.etag) })).status).toBe(304);
  });

  it.each([
    '/assets/',
    '/assets/../package.json',
    '/assets/%2e%2e/package.json',
    '/assets/style.css',
    '/assets/style.000000000000.css',
  ])('is not %s', async (address) => {
    expect((await ask(address)).status).toBe(404);
  });

  it('is small: a page with all it needs stays under 60 kB even uncompressed', async () => {
    const { text } = await ask('/good');
    const addresses = [...text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, address]) => address ?? '');
    expect(addresses.length).toBeGreaterThanOrEqual(3);
    const parts = await Promise.all(addresses.map(async (address) => (await ask(address)).text.length));
    expect(parts.reduce((sum, length) => sum + length, text.length)).toBeLessThan(60_000);
  });
});
