import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { expectNoAxeViolationsInLightAndDark, openBrowser, visit } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';
import { openCompatApp } from './compat-app.ts';

/** Pages that only this face has, looked at in a real browser. */
let world: World;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

it('the page for a wrong redirect URI and the consent page are accessible, fit, and turn round in Arabic', async () => {
  const app = await openCompatApp(world, {
    scope: 'profile postal_code alexa::ask:skills:readwrite',
    scope_titles: { 'alexa::ask:skills:readwrite': 'Change your skills' },
    redirect_uris: ['https://shop.example.test/cb', 'https://intranet/cb'],
  });
  const account = await world.account({ profile: { name: 'Ada', address: { postal_code: '98052' } } });
  for (const locale of ['en-GB', 'ar']) {
    const { page, complaints, close } = await visit(browser, { locale });
    await page.goto(app.asks({ redirect_uri: `http://shop.example.test/cb/${'long/'.repeat(20)}` }));
    await looksRight();
    await page.goto(app.asks({ scope: 'profile postal_code alexa::ask:skills:readwrite' }));
    await page.locator('[name=identifier]').fill(account.identifier);
    await page.locator('[name=password]').fill(account.password);
    await page.locator('main form button[type=submit]').first().click();
    await page.locator('[name=decision]').first().waitFor();
    await looksRight();
    expect(complaints.filter((one) => !one.includes('400'))).toEqual([]);
    await close();

    async function looksRight(): Promise<void> {
      expect(await page.locator('h1').count()).toBe(1);
      if (process.env['SHOTS'])
        await page.screenshot({
          path: `${process.env['SHOTS']}/${locale}-${Date.now()}.png`,
          fullPage: true,
        });
      await expectNoAxeViolationsInLightAndDark(page);
      await page.setViewportSize({ width: 320, height: 640 });
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      await page.setViewportSize({ width: 1024, height: 768 });
    }
  }
}, 240_000);
