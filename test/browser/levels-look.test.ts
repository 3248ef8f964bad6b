import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { openBrowser, visit } from '../support/browser.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { expectToBeSound } from '../support/sound-pages.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

const slow = 90_000;
let world: World;
let browser: Browser;
let app: RelyingParty;
let [ana, bob]: TestAccount[] = [];
beforeAll(async () => {
  const REGIONS = 'de=https://id.example.de Germany, jp=https://id.example.jp Japan and everything around it';
  [world, browser] = await Promise.all([
    openWorld({ REGIONS, REGIONS_SECRET: 'x'.repeat(32) }),
    openBrowser(),
  ]);
  app = await openRelyingParty(world, { first_party: true });
  ana = await world.account({ email: 'ana.de.la.fuente@example.com', profile: { name: 'Ana de la Fuente' } });
  bob = await world.account({
    profile: { name: 'Wolfeschlegelsteinhausenbergerdorff von und zu Langenfeld' },
  });
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function asks(page: Page, params: Record<string, string>): Promise<void> {
  await page.goto(app.asks(params).url.href);
}

async function signsIn(page: Page, { identifier, password }: TestAccount): Promise<void> {
  await page.locator('[name=identifier]').fill(identifier);
  await page.locator('[name=password]').fill(password);
  await page.locator('[name=password]').press('Enter');
}

describe.each(['en', 'ar'])('the pages of levels, accounts and sites in %s', (locale) => {
  it(
    'are accessible and fit',
    async () => {
      const { page, close } = await visit(browser, { locale });
      for (const one of [ana, bob]) {
        await page.context().clearCookies({ name: /session/ });
        await page.goto(`${world.issuer}/account`);
        await signsIn(page, one as TestAccount);
        await page.waitForURL(`${world.issuer}/account`);
      }
      const name = (what: string) => `levels-${what}-${locale}`;
      await asks(page, { prompt: 'select_account' });
      await expectToBeSound(page, name('chooser'));
      await page.locator('.account-button').nth(1).click();
      await page.waitForSelector('[name=password]');
      await expectToBeSound(page, name('chosen'));
      await asks(page, { prompt: 'login' });
      await expectToBeSound(page, name('sign-in'));
      await page.locator('a[href$="/regions"]').click();
      await page.waitForURL(/regions$/);
      await expectToBeSound(page, name('regions'));
      await asks(page, { acr_values: 'urn:latchkey:acr:2fa' });
      await expectToBeSound(page, name('two-step'));
      const acr = { essential: true, value: 'phr' };
      await asks(page, { claims: JSON.stringify({ id_token: { acr } }) });
      await expectToBeSound(page, name('passkey'));
      const locked = await world.account();
      await lockAccount(world.services, { accountId: locked.accountId, reason: 'test' });
      await asks(page, { prompt: 'login' });
      await signsIn(page, locked);
      await page.waitForSelector('[role=alert]');
      await expectToBeSound(page, name('locked'));
      await close();
    },
    slow,
  );
});
