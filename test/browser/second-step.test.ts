import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { addAlarm } from '../../src/credentials/alarms.ts';
import {
  expectNoAxeViolationsInLightAndDark,
  openBrowser,
  takePicture,
  type Visit,
  visit,
} from '../support/browser.ts';
import { aWhile, carefulAccount, giveBackupCodes, giveText, wrongCode } from '../support/second-steps.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 240_000;
let world: World;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const submit = (page: Page) => page.locator('main form button[type=submit]').first().click();
const field = (page: Page, name: string) => page.locator(`[name="${name}"]`).first();

/** Everything that a page of this work has to be: accessible in both modes, whole in 320 pixels, silent in the console. */
async function looked({ page }: Visit, name: string): Promise<void> {
  await expectNoAxeViolationsInLightAndDark(page);
  await takePicture(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: 'light' });
  await takePicture(page, `${name}-light`);
  await page.setViewportSize({ width: 320, height: 640 });
  await takePicture(page, `${name}-narrow`);
  const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  expect([name, tooWide]).toEqual([name, 0]);
  await page.setViewportSize({ width: 1024, height: 768 });
}

async function signsIn({ page }: Visit, account: { identifier: string; password: string }): Promise<void> {
  await page.goto(`${world.issuer}/account`);
  await field(page, 'identifier').fill(account.identifier);
  await field(page, 'password').fill(account.password);
  await submit(page);
  await field(page, 'code').waitFor();
}

describe.each(['en-GB', 'ar'])('the pages of the second step, in %s', (locale) => {
  const named = (name: string) => `${locale.slice(0, 2)}-${name}`;

  it(
    'are accessible, fit narrow windows and run without a complaint',
    async () => {
      const account = await carefulAccount(world);
      await giveText(world.services, account.accountId);
      await giveBackupCodes(world.services, account.accountId);
      const seen = await visit(browser, { locale });
      const { page } = seen;
      await signsIn(seen, account);
      await looked(seen, named('second-step'));
      await field(page, 'code').fill(await wrongCode(account.totpSecret));
      await submit(page);
      await page.locator('[aria-invalid]').waitFor();
      await looked(seen, named('second-step-wrong'));
      await page.locator('a[href$="/second-step/methods"]').click();
      await looked(seen, named('methods'));
      await page.locator('button[value^="backup_code"]').click();
      await page.waitForURL(/interaction\/[^/]+$/);
      await looked(seen, named('second-step-backup'));
      await page.locator('a[href$="/second-step/methods"]').click();
      await page.locator('button[value^="text"]').click();
      await page.waitForURL(/interaction\/[^/]+$/);
      await looked(seen, named('second-step-text'));
      await field(page, 'code').fill(await world.codeSentTo(account.number));
      await field(page, 'trust_device').check();
      await submit(page);
      await page.waitForURL(`${world.issuer}/account`);
      expect(seen.complaints.filter((one) => !one.includes('400'))).toEqual([]);
      await seen.close();
    },
    slow,
  );

  it(
    'and of the account are as well',
    async () => {
      const account = await carefulAccount(world);
      const seen = await visit(browser, { locale });
      const { page } = seen;
      await signsIn(seen, account);
      await field(page, 'code').fill(await world.freshCode(account.totpSecret));
      await field(page, 'trust_device').check();
      await submit(page);
      await page.waitForURL(`${world.issuer}/account`);
      await looked(seen, named('overview-only-one'));
      await page.goto(`${world.issuer}/account/two-step`);
      await looked(seen, named('two-step-only-one'));
      await page.goto(`${world.issuer}/account/two-step/codes`);
      await looked(seen, named('codes'));
      await submit(page);
      await page.locator('.codes li').first().waitFor();
      expect(await page.locator('.codes li').count()).toBe(10);
      await looked(seen, named('codes-new'));
      await page.reload();
      expect(await page.locator('.codes li').count()).toBe(0);
      await looked(seen, named('codes-gone'));
      await page.goto(`${world.issuer}/account/two-step/text`);
      await looked(seen, named('text'));
      await field(page, 'number').fill(account.number);
      await submit(page);
      await field(page, 'code').waitFor();
      await looked(seen, named('text-code'));
      await field(page, 'code').fill(await world.codeSentTo(account.number));
      await submit(page);
      await page.waitForURL(/did=text_added/);
      await looked(seen, named('two-step'));
      await page.locator('a[href*="remove?method=totp"]').click();
      await looked(seen, named('remove'));
      await page.goto(`${world.issuer}/account/two-step/off`);
      await looked(seen, named('off'));
      await page.goto(`${world.issuer}/account/devices`);
      await looked(seen, named('devices'));
      await page.locator('a[href$="/rename"]').click();
      await looked(seen, named('devices-rename'));
      world.advance(aWhile);
      await page.goto(`${world.issuer}/account/two-step/new`);
      await looked(seen, named('confirm'));
      await page.locator('a[href*="/confirm/methods"]').click();
      await looked(seen, named('confirm-methods'));
      const secret = await addAlarm(world.services, {
        accountId: account.accountId,
        about: 'password_changed',
      });
      await page.goto(`${world.issuer}/account/not-me?link=${secret}`);
      await looked(seen, named('not-me'));
      await submit(page);
      await page.waitForURL(/not-me\/done/);
      await looked(seen, named('not-me-done'));
      await page.goto(`${world.issuer}/account/not-me?link=${secret}`);
      await looked(seen, named('not-me-over'));
      expect(seen.complaints.filter((one) => !one.includes('410'))).toEqual([]);
      await seen.close();
    },
    slow,
  );
});
