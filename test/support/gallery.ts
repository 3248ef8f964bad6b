import path from 'node:path';
import type Router from '@koa/router';
import { type PageOptions, showPage } from '../../src/web/page.ts';
import { openPageServer } from './gallery-server.ts';
import { galleryTexts } from './gallery-texts.ts';

/**
 * A few sample pages on a real server, to look at the look: every part, in every state, without the rest of the house.
 * `node test/support/gallery-photographs.ts FOLDER` writes screenshots; test/browser uses openGallery for what only a browser knows.
 */
export function openGallery(environment: Record<string, string> = {}) {
  return openPageServer(addSamples, environment);
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

function addSamples(router: Router): void {
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
}
