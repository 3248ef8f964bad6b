import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import {
  expectNoAxeViolationsInLightAndDark,
  openBrowser,
  takePicture,
  typesPassword,
  visit,
} from '../support/browser.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 300_000;
let world: World;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

it.each(['en', 'ar'])(
  'the warning on the consent page and the list of apps can be read by everybody: %s',
  async (locale) => {
    const app = await openRelyingParty(world, { initiate_login_uri: 'https://kites.example.test/start' });
    const unverified = world.services.db.updateTable('clients').set({ origin: 'open' });
    await unverified.where('client_id', '=', app.clientId).execute();
    const account = await world.account();
    const { page, complaints, close } = await visit(browser, { locale });
    await page.goto(app.asks({ scope: 'openid profile email' }).url.href);
    await typesPassword(page, account);
    await page.locator('[name=decision]').first().waitFor();
    expect(await page.locator('.notice').count()).toBe(1);
    await expectNoAxeViolationsInLightAndDark(page);
    await takePicture(page, `unverified-consent-${locale}`);
    await page.locator('[name=decision]').first().click();
    await page.waitForURL(/^https:|chrome-error/).catch(() => undefined);
    await page.goto(`${world.issuer}/account/apps`);
    expect(await page.locator('.row .button').count()).toBe(2);
    await expectNoAxeViolationsInLightAndDark(page);
    await takePicture(page, `unverified-apps-${locale}`);
    expect(complaints.filter((one) => !one.includes('example.test'))).toEqual([]);
    await close();
  },
  slow,
);
