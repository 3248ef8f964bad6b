import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import Router from '@koa/router';
import Koa from 'koa';
import { look } from '../../interactions/shared/look.ts';
import { readSettings } from '../../src/settings.ts';
import { host } from '../../src/web/host.ts';
import type { Log } from '../../src/web/log.ts';
import { openPages, type PageOptions, showPage, withPages } from '../../src/web/page.ts';
import { problems } from '../../src/web/problem.ts';
import { requestSource } from '../../src/web/request-source.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';
import { galleryTexts } from './gallery-texts.ts';

/**
 * A few sample pages on a real server, to look at the look: every part, in every state, without the rest of the house.
 * `node test/support/gallery.ts FOLDER` writes screenshots; test/browser uses openGallery for what only a browser knows.
 */
export async function openGallery(environment: Record<string, string> = {}, silent: Log = quiet) {
  const app = new Koa();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const settings = readSettings({ ISSUER: origin, SUPPORT_URL: 'https://help.example', ...environment });
  const pages = openPages({ settings }, look);
  const router = sampleRoutes();
  app.use(requestSource({ settings }));
  app.use(securityHeaders({ settings }));
  app.use(withPages(pages));
  app.use(problems({ log: silent }));
  app.use(host({ settings }));
  app.use(pages.assets.middleware);
  app.use(router.routes());
  app.use(router.allowedMethods());
  server.on('request', app.callback());
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { origin, app, close };
}

export const galleryPages = [
  'sign-in',
  'sign-in?bad',
  'code',
  'code?bad',
  'consent',
  'apps',
  'broken',
  'nowhere',
] as const;

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };

function sampleRoutes(): Router {
  const router = new Router();
  const file = (name: string) => path.join(import.meta.dirname, 'gallery', `${name}.ejs`);
  const samples: Record<string, (text: ReturnType<typeof galleryTexts>, bad: boolean) => PageOptions> = {
    'sign-in': (text, bad) => ({
      template: file('sign-in'),
      title: text.signIn.title,
      view: {
        text: text.signIn,
        typed: bad ? 'ana@example' : '',
        problems: bad ? { form: 'form.invalid', password: 'form.password_required' } : {},
      },
    }),
    code: (text, bad) => ({
      template: file('code'),
      title: text.code.title,
      view: {
        text: text.code,
        problems: bad ? { code: { key: 'form.code_digits', values: { digits: 6 } } } : {},
      },
    }),
    consent: (text) => ({
      template: file('consent'),
      title: text.consent.title,
      view: { text: text.consent, app: 'Paperplane' },
    }),
    apps: (text) => ({
      template: file('apps'),
      title: text.apps.title,
      shell: 'account',
      nav: {
        items: text.nav.map(([icon, label]) => ({ href: `#${icon}`, icon, label })),
        current: '#apps',
        who: 'ana.de.la.fuente@example.com',
        signOut: '/echo',
      },
      view: {
        text: text.apps,
        apps: [
          { name: 'Paperplane', at: Date.now() - 3 * 3_600_000 },
          { name: 'Ünlaut & Söhne <b>', at: Date.now() - 40 * 86_400_000 },
        ],
      },
    }),
  };
  for (const [name, sample] of Object.entries(samples))
    router.get(`/${name}`, (ctx) =>
      showPage(ctx, sample(galleryTexts(ctx.state.words.locale), 'bad' in ctx.query)),
    );
  router.get('/broken', () => {
    throw new Error('on purpose');
  });
  router.post('/echo', (ctx) => {
    ctx.body = ctx.req.headers;
  });
  router.post('/strength', (ctx) => {
    ctx.body = { score: 2, text: 'Fair. A few more words would make it strong.' };
  });
  return router;
}

async function photograph(folder: string): Promise<void> {
  const { chromium } = await import('playwright-core');
  mkdirSync(folder, { recursive: true });
  const { origin, close } = await openGallery();
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const wide = { width: 1180, height: 820 };
  const narrow = { width: 320, height: 640 };
  const looks = [
    { name: 'light', locale: 'en', viewport: wide, colorScheme: 'light' },
    { name: 'dark', locale: 'en', viewport: wide, colorScheme: 'dark' },
    { name: 'narrow', locale: 'en', viewport: narrow, colorScheme: 'light' },
    { name: 'ar', locale: 'ar', viewport: wide, colorScheme: 'light' },
    { name: 'ja', locale: 'ja', viewport: narrow, colorScheme: 'dark' },
  ] as const;
  for (const { name, ...options } of looks) {
    const page = await browser.newPage(options);
    for (const sample of galleryPages) {
      await page.goto(`${origin}/${sample}`);
      await page.screenshot({
        path: path.join(folder, `${sample.replace('?', '-')}.${name}.png`),
        fullPage: true,
      });
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (Number(wider) > 0) console.log(`${sample} ${name}: ${wider} px too wide`);
    }
    await page.close();
  }
  await browser.close();
  await close();
}

const folder = process.argv[2];
if (process.argv[1] === import.meta.filename && folder) await photograph(folder);
