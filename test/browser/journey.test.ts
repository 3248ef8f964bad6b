import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { type Demo, startDemo } from '../../src/demo/demo.ts';
import { ana, ben } from '../../src/demo/people.ts';
import { expectNoAxeViolations, openBrowser, visit, weigh } from '../support/browser.ts';
import { forgetDecision } from '../support/forget-decision.ts';
import { expectToBeSound, expectToFitANarrowWindow } from '../support/sound-pages.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 300_000;
const mostBytes = 60_000;

let world: World;
let demo: Demo;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld({ DEMO: 'on' }), openBrowser()]);
  demo = await startDemo(world.services);
}, slow);
beforeEach(async () => {
  for (const { email } of [ana, ben]) await forgetDecision(world, { email, clientId: 'demo' });
});
afterAll(async () => {
  await browser?.close();
  await demo?.stop();
  await world?.close();
});

const button = (page: Page) => page.locator('main form button[type=submit]').first();
const named = (page: Page, name: string) => page.locator(`[name="${name}"]`).first();
const heading = (page: Page) => page.locator('h1').textContent();

/** The first three pages, from the app's button to the consent page. */
async function signIn(page: Page, seen: () => Promise<void> = async () => {}): Promise<void> {
  await page.goto(demo.origin);
  await seen();
  await page.locator('form[action="/sign-in"] button').click();
  await page.waitForURL(/\/interaction\//);
  await seen();
  await named(page, 'identifier').fill(ana.email);
  await named(page, 'password').fill(ana.password);
  await button(page).click();
  await named(page, 'code').waitFor();
  await seen();
  await named(page, 'code').fill(await world.freshCode(ana.totp_secret));
  await button(page).click();
  await page.locator('[name=decision]').first().waitFor();
  await seen();
}

describe('a person with a browser', () => {
  it(
    'signs in to the app, sees what it sees, refreshes, and signs out; every page is accessible and fits',
    async () => {
      const { page, complaints, close } = await visit(browser);
      await signIn(page, () => expectToBeSound(page));
      expect(await heading(page)).toBe('Allow Paperplane to use your Latchkey account?');
      await page.locator('[name=decision][value=allow]').click();
      await page.waitForURL(`${demo.origin}/`);
      expect(await heading(page)).toBe('Hello, Ana');
      await expectToBeSound(page);
      await page.locator('form[action="/refresh"] button').click();
      await page.getByText('refreshed once').waitFor();

      await page.locator('form[action="/sign-out"] button').click();
      await page.locator('[name=logout]').waitFor();
      await expectToBeSound(page);
      await page.locator('[name=logout][value=yes]').click();
      await page.waitForURL(`${demo.origin}/`);
      expect(await page.getByText('Sign in with Latchkey').count()).toBe(1);
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'finds every account page accessible and fitting',
    async () => {
      const { page, complaints, close } = await visit(browser);
      await signIn(page);
      const places = [
        '',
        '/profile',
        '/password',
        '/two-step',
        '/two-step/new',
        '/apps',
        '/sessions',
        '/activity',
      ];
      for (const place of places) {
        await page.goto(`${world.issuer}/account${place}`);
        expect(new URL(page.url()).pathname).toBe(`/account${place}`);
        await expectToBeSound(page);
      }
      await page.goto(`${world.issuer}/dev/outbox`);
      await expectToBeSound(page);
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'finds sign-up, recovery and error pages accessible and fitting, wrong input included',
    async () => {
      const { page, close } = await visit(browser);
      await page.goto(demo.origin);
      await page.locator('form[action="/sign-in"] button').click();
      await page.waitForURL(/\/interaction\//);
      const begun = page.url();
      await named(page, 'identifier').fill('nobody@example.com');
      await named(page, 'password').fill('not the password');
      await button(page).click();
      await page.locator('[role=alert]').waitFor();
      await expectToBeSound(page);

      await page.goto(`${begun}/sign-up`);
      await expectToBeSound(page);
      await named(page, 'name').fill('Eve');
      await named(page, 'identifier').fill('eve@example.com');
      await named(page, 'password').fill('password');
      await button(page).click();
      await page.locator('[role=alert]').waitFor();
      await expectToBeSound(page);
      await named(page, 'password').fill('nine-tidy-harbours');
      await button(page).click();
      await named(page, 'code').waitFor();
      await expectToBeSound(page);

      await page.goto(`${begun}/forgot`);
      await expectToBeSound(page);
      await named(page, 'identifier').fill(ana.email);
      await button(page).click();
      await named(page, 'code').waitFor();
      await named(page, 'code').fill(await world.codeSentTo(ana.email));
      await button(page).click();
      await named(page, 'password').waitFor();
      await expectToBeSound(page);

      for (const nowhere of ['/nowhere', '/authorize', '/interaction/x']) {
        await page.goto(`${world.issuer}${nowhere}`);
        await expectToBeSound(page);
      }
      await close();
    },
    slow,
  );

  it(
    'needs no scripts for any of it',
    async () => {
      const { page, complaints, close } = await visit(browser, { javaScript: false });
      await signIn(page);
      await page.locator('[name=scope][value=phone]').uncheck();
      await page.locator('[name=decision][value=allow]').click();
      await page.waitForURL(`${demo.origin}/`);
      expect(await page.locator('main').textContent()).not.toContain('phone_number');
      await page.goto(`${world.issuer}/account/apps/demo/remove`);
      await button(page).click();
      await page.waitForURL(/did=app_removed/);
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'reads from right to left in Arabic',
    async () => {
      const { page, complaints, close } = await visit(browser, { locale: 'ar' });
      await signIn(page, async () => {
        if (!page.url().startsWith(world.issuer)) return;
        expect(await page.locator('html').getAttribute('dir')).toBe('rtl');
        expect(await page.locator('html').getAttribute('lang')).toBe('ar');
        await expectNoAxeViolations(page);
        await expectToFitANarrowWindow(page);
      });
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'fetches less than 60 kB for a page, and nothing from anywhere else',
    async () => {
      const { page, complaints, close } = await visit(browser);
      const weights: Record<string, number> = {};
      await page.goto(demo.origin);
      weights['sign-in'] = await weigh(page, () => page.locator('form[action="/sign-in"] button').click());
      await close();
      const second = await visit(browser);
      await signIn(second.page);
      weights['consent'] = await weigh(second.page, () => second.page.reload());
      for (const place of ['', '/two-step/new', '/profile', '/activity'])
        weights[`account${place}`] = await weigh(second.page, () =>
          second.page.goto(`${world.issuer}/account${place}`),
        );
      await second.close();
      expect(Object.entries(weights).filter(([, bytes]) => bytes > mostBytes)).toEqual([]);
      expect([...complaints, ...second.complaints]).toEqual([]);
    },
    slow,
  );
});

describe('somebody else at the same computer', () => {
  it(
    'signs in from the consent page in the place of the one before',
    async () => {
      const { page, complaints, close } = await visit(browser);
      await signIn(page);
      await page.getByRole('button', { name: /^Not you/ }).click();
      await named(page, 'identifier').fill(ben.email);
      await named(page, 'password').fill(ben.password);
      await button(page).click();
      await page.getByText(ben.email).first().waitFor();
      await page.locator('[name=decision][value=allow]').click();
      await page.waitForURL(`${demo.origin}/`);
      expect(await heading(page)).toBe('Hello, Ben');
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );
});

describe('a page of somebody else (misuse case CO-05)', () => {
  it.each(['iframe', 'object', 'embed'])(
    'cannot show ours in an %s',
    async (element) => {
      const { page, close } = await visit(browser);
      await page.goto(demo.origin);
      await page.locator('form[action="/sign-in"] button').click();
      await page.waitForURL(/\/interaction\//);
      const addresses = [
        page.url(),
        ...[
          '/account',
          '/account/signed-out',
          '/logout',
          '/nowhere',
          '/dev/outbox',
          '/device',
          '/device/allowed',
          '/authorize?client_id=nobody',
          '/ap/oa?client_id=nobody',
        ].map((at) => `${world.issuer}${at}`),
      ];
      const source = element === 'object' ? 'data' : 'src';
      const frames = addresses.map(
        (at) => `<${element} ${source}="${at}" width="300" height="200"></${element}>`,
      );
      await page.route('http://localhost:9/**', (route) =>
        route.fulfill({ contentType: 'text/html', body: `<h1>Win a prize</h1>${frames.join('')}` }),
      );
      await page.goto('http://localhost:9/');
      await page.waitForLoadState('load');
      const shown = page.frames().filter((frame) => frame !== page.mainFrame());
      for (const frame of shown) expect(frame.url()).not.toMatch(/^http/);
      await close();
    },
    slow,
  );
});
