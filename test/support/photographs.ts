import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { startDemo } from '../../src/demo/demo.ts';
import { ana } from '../../src/demo/people.ts';
import { openBrowser, visit } from './browser.ts';
import { forgetDecision } from './forget-decision.ts';
import { openWorld } from './world.ts';

/**
 * Pictures of the real thing, of every page or of those named. That of the README:
 * `TEST_CHROMIUM=/usr/bin/chromium node test/support/photographs.ts docs/pictures sign-in`.
 */
async function photograph(folder: string, wanted: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const [world, browser] = await Promise.all([openWorld({ DEMO: 'on' }), openBrowser()]);
  const demo = await startDemo(world.services);
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, close } = await visit(browser, {
      width: 1100,
      height: 830,
      colorScheme,
      deviceScaleFactor: 2,
    });
    const take = async (what: string) => {
      const name = `${what}${colorScheme === 'dark' ? '-dark' : ''}`;
      if (wanted.length > 0 && !wanted.includes(name)) return;
      await page.screenshot({ path: path.join(folder, `${name}.png`) });
    };
    const press = () => page.locator('main form button[type=submit]').first().click();
    await page.goto(demo.origin);
    await take('demo');
    await page.locator('form[action="/sign-in"] button').click();
    await page.locator('[name=identifier]').fill(ana.email);
    await take('sign-in');
    await page.locator('[name=password]').fill(ana.password);
    await press();
    await page.locator('[name=code]').waitFor();
    await take('second-step');
    await page.locator('[name=code]').fill(await world.freshCode(ana.totp_secret));
    await press();
    await page.locator('[name=decision]').first().waitFor();
    await page.setViewportSize({ width: 1100, height: 1300 });
    await take('consent');
    await page.locator('[name=decision][value=allow]').click();
    await page.waitForURL(`${demo.origin}/`);
    await take('demo-signed-in');
    await page.goto(`${world.issuer}/account`);
    await take('account');
    await forgetDecision(world, { email: ana.email, clientId: 'demo' });
    await close();
  }
  await browser.close();
  await demo.stop();
  await world.close();
}

const [folder, ...wanted] = process.argv.slice(2);
if (!folder) throw new Error('say where the pictures go');
await photograph(folder, wanted);
