import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { noteOfferAnswered } from '../../src/credentials/passkeys-user.ts';
import { type Door, notePressure, pressures } from '../../src/limits/pressure.ts';
import { expectNoAxeViolationsInLightAndDark, openBrowser, takePicture, visit } from '../support/browser.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** What the pages of a sign-in ask for under pressure, in a real Chromium: with scripts, and without. */
const slow = 300_000;
// All of Chromium's requests come from here.
const address = '127.0.0.1';

let world: World;
let app: RelyingParty;
let ana: TestAccount;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
  app = await openRelyingParty(world, { first_party: true });
  ana = await world.account();
  // No page between the password and the app.
  await noteOfferAnswered(world.services, { accountId: ana.accountId, never: true });
  for (const door of ['sign_in', 'sign_up', 'forgot'] satisfies Door[])
    for (let one = 0; one < pressures[door].address; one += 1)
      await notePressure(world.services, { door, ip: address });
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const url = () => app.asks().url.href;
/** Opens the page; answers a promise of being sent to the app, whose address itself leads nowhere. */
async function opened(page: Page): Promise<{ arrived: Promise<unknown> }> {
  const arrived = page.waitForRequest(/\/callback\?code=/, { timeout: 90_000 });
  arrived.catch(() => undefined);
  await page.goto(url());
  return { arrived };
}

const status = (page: Page) => page.locator('.challenge [role=status]');
const answer = (page: Page) => page.locator('[name=challenge_answer]').inputValue();

async function signIn(page: Page): Promise<void> {
  await page.locator('[name=identifier]').fill(ana.identifier);
  await page.locator('[name=password]').fill(ana.password);
  // The keyboard is enough.
  await page.keyboard.press('Enter');
}

describe('a browser under pressure', () => {
  it(
    'works while the person types, says when it is done, and signs in',
    async () => {
      const { page, complaints, close } = await visit(browser);
      const { arrived } = await opened(page);
      await page.getByText('Your browser has proved that it is no machine.').waitFor({ timeout: 60_000 });
      expect((await answer(page)).split('.')).toHaveLength(8);
      expect(await page.locator('.challenge-progress').isVisible()).toBe(false);
      await signIn(page);
      await arrived;
      expect(complaints.filter((one) => !one.includes('example.test'))).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'holds a form that is sent too early, and sends it by itself',
    async () => {
      const { page, close } = await visit(browser);
      // A worker that is held up until we say so, whatever the machine.
      const start: (() => void)[] = [];
      await page.route('**/challenge-worker.*.js', async (route) => {
        await new Promise<void>((go) => start.push(go));
        await route.continue();
      });
      const { arrived } = await opened(page);
      await signIn(page);
      await page.getByText('The form is sent by itself when it is done.').waitFor();
      expect(await answer(page)).toBe('');
      await expectNoAxeViolationsInLightAndDark(page);
      await takePicture(page, 'challenge-held');
      for (const go of start) go();
      await arrived;
      await close();
    },
    slow,
  );

  it(
    'is told to wait when the work cannot be done',
    async () => {
      const { page, close } = await visit(browser);
      await page.route('**/challenge-worker.*.js', (route) => route.abort());
      const { arrived } = await opened(page);
      await status(page).getByText('Please wait 20 seconds').waitFor();
      world.advance(21_000);
      await signIn(page);
      await arrived;
      await close();
    },
    slow,
  );

  it(
    'without scripts says how long to wait, and that is enough',
    async () => {
      const { page, close } = await visit(browser, { javaScript: false });
      const { arrived } = await opened(page);
      expect(await page.getByText('Please wait 20 seconds before you press the button.').isVisible()).toBe(
        true,
      );
      expect(await page.locator('.challenge-progress').isVisible()).toBe(false);
      await takePicture(page, 'challenge-no-scripts');
      await signIn(page);
      await page.getByText(/more seconds?, then press the button again/).waitFor();
      world.advance(21_000);
      await signIn(page);
      await arrived;
      await close();
    },
    slow,
  );

  it.each(['', '/sign-up', '/forgot'])(
    'finds the page of a sign-in%s accessible and fitting',
    async (place) => {
      for (const locale of ['en', 'de', 'ar', 'ja']) {
        const { page, close } = await visit(browser, { locale, width: 320, height: 640 });
        // Still: the work does not begin.
        await page.route('**/challenge-worker.*.js', () => undefined);
        await opened(page);
        if (place) await page.goto(`${page.url()}${place}`);
        await page.locator('.challenge-progress').waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
        if (locale === 'en' || locale === 'ar') await expectNoAxeViolationsInLightAndDark(page);
        await takePicture(page, `challenge-${place.slice(1) || 'sign-in'}-${locale}`);
        await close();
      }
    },
    slow,
  );
});
