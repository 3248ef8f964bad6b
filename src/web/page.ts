import path from 'node:path';
import type { Context, Middleware } from 'koa';
import type { Settings } from '../settings.ts';
import { type Assets, openAssets } from './assets.ts';
import { accentStyles } from './colour.ts';
import type { Problem } from './problem.ts';
import { requestState, setRequestState } from './request-state.ts';
import { contentSecurityPolicy } from './security-headers.ts';
import { type Template, templateOf } from './views.ts';
import { openWords, type Translator, type Words } from './words.ts';

/**
 * How a page is made. A page is a route and a template beside it:
 *
 *   const template = path.join(import.meta.dirname, 'second-step.ejs');
 *   await showPage(ctx, { template, title: words.t('second-step.title'), view: { action, problems } });
 *
 * In the template everything hangs on `v`: the members of `view`, and besides them
 *   v.title                          the title; the page writes its one <h1> itself
 *   v.t('second-step.lead', {name})  words, to be written with <%= %> (which escapes)
 *   v.date(ms)  v.ago(ms)            times as the reader's language writes them
 *   v.part('text-field', {...})      a part of interactions/shared/parts, written with <%- %>; its members are listed at
 *                                    the top of its file
 *   v.asset('key.svg')               the address of an asset
 *   v.brand.name  v.locale  v.direction
 *   v.maybe('hint')                  a member that may be missing; every other missing member is an error
 * No inline style, script or event handler works: the content security policy refuses them.
 */
export type PageOptions = {
  /** Absolute path of the .ejs file. */
  template: string;
  /** The page's name, already in the reader's language: the document title and v.title. */
  title: string;
  /** What the template may read. A member named `problems` that is not empty also marks the document's title. */
  view: object;
  status?: number;
  /** `card`: one centred column, for sign-in. `account`: a header and a navigation beside a wide column. */
  shell?: 'card' | 'account';
  /** For the account shell. */
  nav?: Navigation;
  /** More of our scripts, by asset name; `page.js` is on every page. */
  scripts?: readonly string[];
  /** The stable code in the meta tag of a page that tells of an error. */
  errorCode?: string;
  /**
   * Set where no form's answer can lead to another site: then the policy gets form-action 'self'. Not for sign-in and
   * consent, because Chromium holds form-action against the redirect to the app as well. The account shell implies it.
   */
  staysHere?: boolean;
};

export type Navigation = {
  items: readonly { href: string; label: string; icon: string }[];
  /** The href of the page shown. */
  current: string;
  /** Who is signed in, as they would recognise themselves. */
  who: string;
  /** Where the sign-out form posts. */
  signOut: string;
  /** What must be seen before the page. */
  warning?: string | undefined;
  /** Something that waits for an answer, and the way to it. */
  asked?: { text: string; label: string; href: string } | undefined;
};

/** The files a look is made of, absolute; handed down, because this room knows no page. */
export type Look = {
  layout: string;
  problem: string;
  parts: string;
  styles: readonly string[];
  assets: readonly string[];
  messages: readonly string[];
};

export type Pages = {
  words: Words;
  assets: Assets;
  render(ctx: Context, options: PageOptions): string;
  showProblemPage(ctx: Context, problem: Problem, reference: string): Promise<void>;
};

export function openPages({ settings }: { settings: Settings }, look: Look): Pages {
  const words = openWords(look.messages);
  const assets = openAssets({ settings, look, generated: accentStyles(settings.BRAND_ACCENT) });
  const brand = {
    name: settings.BRAND_NAME,
    logo: assets.logo,
    home: '/account',
    privacy: settings.PRIVACY_URL,
    terms: settings.TERMS_URL,
    support: settings.SUPPORT_URL,
  };
  const layout = templateOf(look.layout);

  function tools(ctx: Context): object {
    const { words: w } = requestState(ctx);
    const given = {
      t: w.t,
      words: w,
      locale: w.locale,
      direction: w.direction,
      asset: assets.url,
      brand,
      part: (name: string, members: object = {}) => partOf(look.parts, name)(joined(members, given)),
    };
    return given;
  }

  function render(ctx: Context, options: PageOptions): string {
    const { nonce, words: w } = requestState(ctx);
    const given = { ...tools(ctx), date: w.date, ago: w.ago };
    const { title, view, shell = 'card', nav, scripts = [], errorCode } = options;
    const body = templateOf(options.template)({ ...joined(view, given), title });
    const problems = (view as { problems?: object }).problems ?? {};
    const marked = Object.keys(problems).length > 0 ? w.t('shared.problem_title', { title }) : title;
    const name = brand.name;
    return layout({
      ...given,
      nonce,
      body,
      shell,
      nav,
      errorCode,
      scripts,
      documentTitle: `${marked} · ${name}`,
    });
  }

  async function showProblemPage(ctx: Context, problem: Problem, reference: string): Promise<void> {
    const { words: w } = requestState(ctx);
    const { messageKey, values, detail } = problem;
    const said = (part: string) => w.t(`${messageKey}.${part}`, values);
    const view = { sentence: said('sentence'), next: said('next'), detail, reference };
    await showPage(ctx, {
      template: look.problem,
      title: said('title'),
      view,
      status: problem.status,
      errorCode: problem.code,
      staysHere: true,
    });
  }

  return { words, assets, render, showProblemPage };
}

/** Gives each request its language and the pages. Comes after requestSource and before everything that shows a page. */
export function withPages(pages: Pages): Middleware {
  return (ctx, next) => {
    const { ui_locales: uiLocales } = ctx.query;
    const wish = typeof uiLocales === 'string' ? uiLocales : undefined;
    setRequestState(ctx, { pages, words: wordsFor(ctx, pages, wish) });
    return next();
  };
}

/** The page's language: what the app asked for (OpenID Connect Core section 3.1.2.1, ui_locales), else the browser. */
export function chooseLanguage(ctx: Context, uiLocales: string | undefined): void {
  setRequestState(ctx, { words: wordsFor(ctx, requestState(ctx).pages, uiLocales) });
}

function wordsFor(ctx: Context, pages: Pages, uiLocales: string | undefined): Translator {
  return pages.words.choose({ uiLocales, acceptLanguage: ctx.get('accept-language') });
}

/** Answers with a page. Pages are never stored: each is one person's. */
export async function showPage(ctx: Context, options: PageOptions): Promise<void> {
  const { pages, nonce, words } = requestState(ctx);
  const html = pages.render(ctx, options);
  const staysHere = options.staysHere ?? options.shell === 'account';
  ctx.status = options.status ?? 200;
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Content-Language', words.locale);
  ctx.set('Content-Security-Policy', contentSecurityPolicy({ nonce, staysHere }));
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = html;
}

/** A member named like one of ours would be lost without a word. */
function joined(members: object, given: object): object {
  const clash = Object.keys(members).find((name) => name in given);
  if (clash)
    throw new Error(`a template cannot be given a member named ${clash}: every page has that already`);
  return { ...members, ...given };
}

function partOf(dir: string, name: string): Template {
  return templateOf(path.join(dir, `${name}.ejs`));
}
