import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { checkLogo, mostLogoBytes } from '../../clients/registry/logo.ts';
import { storeLogo } from '../../clients/registry/logos.ts';
import {
  expectNoAxeViolationsInLightAndDark,
  openBrowser,
  typesPassword,
  visit,
  weigh,
} from '../support/browser.ts';
import { picture, pngOfBytes, stillPictures } from '../support/pictures.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 300_000;
let world: World;
let browser: Browser;
let app: RelyingParty;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
  app = await openRelyingParty(world);
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function keep(bytes: Buffer): Promise<void> {
  const checked = checkLogo(bytes);
  if (!checked.ok) throw new Error(checked.problem);
  await storeLogo(world.services, { clientId: app.clientId, logo: checked.logo, source: 'file' });
}

async function goToConsent(page: Page): Promise<void> {
  const account = await world.account();
  await page.goto(app.asks({ scope: 'openid profile email phone address' }).url.href);
  await typesPassword(page, account);
  await page.locator('[name=decision]').first().waitFor();
}

describe('the logo on the consent page', () => {
  it(
    'is drawn in its box, in every format that is taken, and nothing is fetched from elsewhere',
    async () => {
      const { page, complaints, close } = await visit(browser);
      await goToConsent(page);
      const image = page.locator('.initial.logo img');
      expect(await image.count()).toBe(0);
      for (const name of stillPictures) {
        await keep(picture(name));
        await page.reload();
        const drawn = await image.evaluate(
          (img) => (img as unknown as { naturalWidth: number }).naturalWidth,
        );
        expect([name, drawn]).toEqual([name, 32]);
        expect(await page.locator('.initial.logo').boundingBox()).toMatchObject({ width: 52, height: 52 });
      }
      await expectNoAxeViolationsInLightAndDark(page);
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'leaves the page under 60 kB, the heaviest too',
    async () => {
      await keep(pngOfBytes(mostLogoBytes));
      const { page, complaints, close } = await visit(browser, { locale: 'ar' });
      await goToConsent(page);
      const fresh = await browser.newContext({ storageState: await page.context().storageState() });
      const first = await fresh.newPage();
      expect(await weigh(first, () => first.goto(page.url()))).toBeLessThan(60_000);
      expect(await first.locator('.initial.logo img').count()).toBe(1);
      expect(complaints).toEqual([]);
      await fresh.close();
      await close();
    },
    slow,
  );
});
