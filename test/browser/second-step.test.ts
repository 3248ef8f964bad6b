import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { addAlarm } from '../../src/credentials/alarms.ts';
import { atCode, field, openBrowser, submit, visit } from '../support/browser.ts';
import { aWhile, carefulAccount, giveBackupCodes, giveText, wrongCode } from '../support/second-steps.ts';
import { expectToBeSound } from '../support/sound-pages.ts';
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
      await atCode(seen, world, account);
      await expectToBeSound(page, named('second-step'));
      await field(page, 'code').fill(await wrongCode(account.totpSecret));
      await submit(page);
      await page.locator('[aria-invalid]').waitFor();
      await expectToBeSound(page, named('second-step-wrong'));
      await page.locator('a[href$="/second-step/methods"]').click();
      await expectToBeSound(page, named('methods'));
      await page.locator('button[value^="backup_code"]').click();
      await page.waitForURL(/interaction\/[^/]+$/);
      await expectToBeSound(page, named('second-step-backup'));
      await page.locator('a[href$="/second-step/methods"]').click();
      await page.locator('button[value^="text"]').click();
      await page.waitForURL(/interaction\/[^/]+$/);
      await expectToBeSound(page, named('second-step-text'));
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
      await atCode(seen, world, account);
      await field(page, 'code').fill(await world.freshCode(account.totpSecret));
      await field(page, 'trust_device').check();
      await submit(page);
      await page.waitForURL(`${world.issuer}/account`);
      await expectToBeSound(page, named('overview-only-one'));
      await page.goto(`${world.issuer}/account/two-step`);
      await expectToBeSound(page, named('two-step-only-one'));
      await page.goto(`${world.issuer}/account/two-step/codes`);
      await expectToBeSound(page, named('codes'));
      await submit(page);
      await page.locator('.codes li').first().waitFor();
      expect(await page.locator('.codes li').count()).toBe(10);
      await expectToBeSound(page, named('codes-new'));
      await page.reload();
      expect(await page.locator('.codes li').count()).toBe(0);
      await expectToBeSound(page, named('codes-gone'));
      await page.goto(`${world.issuer}/account/two-step/text`);
      await expectToBeSound(page, named('text'));
      await field(page, 'number').fill(account.number);
      await submit(page);
      await field(page, 'code').waitFor();
      await expectToBeSound(page, named('text-code'));
      await field(page, 'code').fill(await world.codeSentTo(account.number));
      await submit(page);
      await page.waitForURL(/did=text_added/);
      await expectToBeSound(page, named('two-step'));
      await page.locator('a[href*="remove?method=totp"]').click();
      await expectToBeSound(page, named('remove'));
      await page.goto(`${world.issuer}/account/two-step/off`);
      await expectToBeSound(page, named('off'));
      await page.goto(`${world.issuer}/account/devices`);
      await expectToBeSound(page, named('devices'));
      await page.locator('a[href$="/rename"]').click();
      await expectToBeSound(page, named('devices-rename'));
      world.advance(aWhile);
      await page.goto(`${world.issuer}/account/two-step/new`);
      await expectToBeSound(page, named('confirm'));
      await page.locator('a[href*="/confirm/methods"]').click();
      await expectToBeSound(page, named('confirm-methods'));
      const secret = await addAlarm(world.services, {
        accountId: account.accountId,
        about: 'password_changed',
      });
      await page.goto(`${world.issuer}/account/not-me?link=${secret}`);
      await expectToBeSound(page, named('not-me'));
      await submit(page);
      await page.waitForURL(/not-me\/done/);
      await expectToBeSound(page, named('not-me-done'));
      await page.goto(`${world.issuer}/account/not-me?link=${secret}`);
      await expectToBeSound(page, named('not-me-over'));
      expect(seen.complaints.filter((one) => !one.includes('410'))).toEqual([]);
      await seen.close();
    },
    slow,
  );
});
