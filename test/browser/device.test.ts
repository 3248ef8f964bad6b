import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { field, openBrowser, visit } from '../support/browser.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { expectToBeSound } from '../support/sound-pages.ts';
import { grantType as deviceCode } from '../support/televisions.ts';
import { till } from '../support/tills.ts';
import { until } from '../support/timing.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 240_000;
let world: World;
let browser: Browser;
let app: RelyingParty;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
  app = await openRelyingParty(world, {
    client_name: 'Paperplane Television',
    ...till,
    grant_types: [...till.grant_types, deviceCode],
  });
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function newCode(): Promise<string> {
  const scope = 'openid profile email offline_access';
  const { json } = await app.posts('device_authorization', { scope });
  return String(json['user_code']);
}

describe.each(['en-GB', 'ar'])('the pages for other devices, in %s', (locale) => {
  const named = (name: string) => `${locale.slice(0, 2)}-${name}`;

  it(
    'are accessible, fit narrow windows, and can be used by the keyboard alone',
    async () => {
      const account = await world.account({ profile: { name: 'Ana de la Fuente' } });
      const seen = await visit(browser, { locale });
      const { page } = seen;
      const code = await newCode();
      await page.goto(`${world.issuer}/device`);
      await field(page, 'user_code').fill('BBBB BBBB');
      await page.keyboard.press('Enter');
      await page.locator('[aria-invalid]').waitFor();
      await expectToBeSound(page, named('device-wrong'));
      await field(page, 'user_code').fill(code.toLowerCase());
      await page.keyboard.press('Enter');
      await field(page, 'identifier').waitFor();
      await field(page, 'identifier').fill(account.identifier);
      await field(page, 'password').fill(account.password);
      await page.keyboard.press('Enter');
      await field(page, 'user_code').waitFor();
      await expectToBeSound(page, named('device-code'));
      await field(page, 'user_code').focus();
      await page.keyboard.press('Enter');
      await page.locator('[name=decision]').first().waitFor();
      await expectToBeSound(page, named('device-asks'));
      await page.locator('[name=decision][value=allow]').focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/device/allowed');
      await expectToBeSound(page, named('device-allowed'));

      const asked = { scope: 'openid profile', login_hint: account.identifier, binding_message: 'W4SCT-22' };
      await app.posts('backchannel_authentication', asked);
      const link = page.locator('main ul.rows a');
      await until(async () => {
        await page.goto(`${world.issuer}/account/requests`);
        return (await link.count()) > 0;
      });
      await expectToBeSound(page, named('requests'));
      await link.first().focus();
      await page.keyboard.press('Enter');
      await page.locator('[name=decision]').first().waitFor();
      await expectToBeSound(page, named('request'));
      await page.locator('[name=decision][value=deny]').focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/account/requests?was=denied');
      expect(seen.complaints.filter((one) => !one.includes('400'))).toEqual([]);
      await seen.close();
    },
    slow,
  );
});
