import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { expectNoAxeViolations, openBrowser, takePicture, visit } from '../support/browser.ts';
import { alert, passkeyVisits, submit, withoutAutofill } from '../support/passkey-browser.ts';
import { expectToBeSound } from '../support/sound-pages.ts';
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

describe('the pages about passkeys', () => {
  it(
    'of the account are accessible and fit',
    async () => {
      const { page, account, complaints, close } = await visits.somebody();
      await visits.at(page, '/account/passkeys');
      await expectToBeSound(page, 'passkey-none');
      await visits.addPasskey(page);
      await expectToBeSound(page, 'passkey-added');
      for (const what of ['new', 'new-key']) {
        await visits.at(page, `/account/passkeys/${what}`);
        await expectToBeSound(page, `passkey-${what}`);
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
      await expectToBeSound(page, 'passkey-list');
      await visits.at(page, '/account/passkeys');
      await page
        .getByRole('link', { name: /^Rename/ })
        .first()
        .click();
      await submit(page).waitFor();
      await expectToBeSound(page, 'passkey-rename');
      await visits.at(page, '/account/passkeys');
      await page
        .getByRole('link', { name: /^Remove/ })
        .first()
        .click();
      // With a second step there is more to prove than the password, so the passkey is asked for.
      await page.waitForURL(/confirm/);
      await expectToBeSound(page, 'passkey-confirm');
      await submit(page).click();
      await page
        .getByRole('link', { name: /^Remove/ })
        .first()
        .click();
      await page.waitForURL(/remove$/);
      await expectToBeSound(page, 'passkey-remove');
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
      await expectToBeSound(page, 'passkey-sign-in');
      await authenticator.verifies(false);
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await alert(page).waitFor();
      await expectToBeSound(page, 'passkey-sign-in-cancelled');
      await visits.typePassword(page, account);
      await page.getByRole('button', { name: 'Create a passkey' }).waitFor();
      await expectToBeSound(page, 'passkey-offer');
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
      await expectToBeSound(page, 'passkey-second-step');
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
