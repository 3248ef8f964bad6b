import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import {
  expectNoAxeViolations,
  expectNoAxeViolationsInLightAndDark,
  openBrowser,
  takePicture,
  visit,
} from '../support/browser.ts';
import { alert, passkeyVisits, submit, withoutAutofill } from '../support/passkey-browser.ts';
import { addAuthenticator } from '../support/virtual-authenticator.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 180_000;
let world: World;
let browser: Browser;
let visits: ReturnType<typeof passkeyVisits>;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
  visits = passkeyVisits(world, browser);
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

/** Accessible in light and dark, whole in a window of 320 pixels (WCAG 1.4.10), and kept for somebody to look at. */
async function expectToBeSound(page: Page, name: string): Promise<void> {
  expect(await page.locator('h1').count()).toBe(1);
  await expectNoAxeViolationsInLightAndDark(page);
  await takePicture(page, `passkey-${name}-dark`);
  await page.emulateMedia({ colorScheme: 'light' });
  await takePicture(page, `passkey-${name}`);
  const size = page.viewportSize() ?? { width: 1024, height: 768 };
  await page.setViewportSize({ width: 320, height: 640 });
  const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  await takePicture(page, `passkey-${name}-narrow`);
  expect([page.url(), tooWide]).toEqual([page.url(), 0]);
  await page.setViewportSize(size);
}

describe('the pages about passkeys', () => {
  it(
    'of the account are accessible and fit',
    async () => {
      const { page, account, complaints, close } = await visits.somebody();
      await visits.at(page, '/account/passkeys');
      await expectToBeSound(page, 'none');
      await visits.addPasskey(page);
      await expectToBeSound(page, 'added');
      for (const what of ['new', 'new-key']) {
        await visits.at(page, `/account/passkeys/${what}`);
        await expectToBeSound(page, what);
      }
      const key = await addAuthenticator(page, { transport: 'usb', residentKeys: false, verifies: false });
      await visits.addSecurityKey(page);
      const copied = {
        copy_suspected_at: Date.now(),
        name: 'A key with a name that is as long as names may be, sixty',
      };
      await world.services.db
        .updateTable('passkeys')
        .set(copied)
        .where('account_id', '=', account.accountId)
        .where('kind', '=', 'security_key')
        .execute();
      await visits.at(page, '/account/passkeys');
      await expectToBeSound(page, 'list');
      await visits.at(page, '/account/passkeys');
      await page
        .getByRole('link', { name: /^Rename/ })
        .first()
        .click();
      await submit(page).waitFor();
      await expectToBeSound(page, 'rename');
      await visits.at(page, '/account/passkeys');
      await page
        .getByRole('link', { name: /^Remove/ })
        .first()
        .click();
      // With a second step there is more to prove than the password, so the passkey is asked for.
      await page.waitForURL(/confirm/);
      await expectToBeSound(page, 'confirm');
      await submit(page).click();
      await page
        .getByRole('link', { name: /^Remove/ })
        .first()
        .click();
      await page.waitForURL(/remove$/);
      await expectToBeSound(page, 'remove');
      await key.remove();
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'of the sign-in are accessible and fit, with what goes wrong',
    async () => {
      const account = await world.account();
      const { page, complaints, close } = await visit(browser);
      const authenticator = await addAuthenticator(page);
      await page.addInitScript({ content: withoutAutofill });
      await visits.opensSignIn(page);
      await expectToBeSound(page, 'sign-in');
      await authenticator.verifies(false);
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await alert(page).waitFor();
      await expectToBeSound(page, 'sign-in-cancelled');
      await visits.typePassword(page, account);
      await page.getByRole('button', { name: 'Create a passkey' }).waitFor();
      await expectToBeSound(page, 'offer');
      await authenticator.verifies(true);
      await page.getByRole('button', { name: 'Create a passkey' }).click();
      await page.waitForURL(`${world.issuer}/account`);
      await world.services.db
        .insertInto('two_step')
        .values({ account_id: account.accountId, turned_on_at: Date.now(), preferred: null })
        .execute();
      await visits.signOut(page);
      await visits.at(page, '/account');
      await visits.typePassword(page, account);
      await page.getByText('Prove that it is you').waitFor();
      await expectToBeSound(page, 'second-step');
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'read from right to left in Arabic',
    async () => {
      const account = await world.account();
      const { page, complaints, close } = await visit(browser, { locale: 'ar' });
      await addAuthenticator(page);
      await visits.opensSignIn(page);
      expect(await page.locator('html').getAttribute('dir')).toBe('rtl');
      await expectNoAxeViolations(page);
      await takePicture(page, 'passkey-sign-in-ar');
      await visits.typePassword(page, account);
      await page.locator('form.passkey button').click();
      await page.waitForURL(`${world.issuer}/account`);
      await visits.at(page, '/account/passkeys');
      await expectNoAxeViolations(page);
      await takePicture(page, 'passkey-list-ar');
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );
});
