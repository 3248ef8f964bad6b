import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { type AppServer, listenForApp } from '../support/app-server.ts';
import { expectNoAxeViolationsInLightAndDark, openBrowser, takePicture, visit } from '../support/browser.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** An answer in a form, in a real browser: with scripts nobody sees the page, without it has a button. */
let browser: Browser;
let world: World;
let server: AppServer;
let app: RelyingParty;
let account: TestAccount;
const arrived: { method: string; form: URLSearchParams }[] = [];
beforeAll(async () => {
  server = await listenForApp();
  server.serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === '/callback')
      arrived.push({
        method: String(request.method),
        form: new URLSearchParams(Buffer.concat(chunks).toString()),
      });
    response.setHeader('content-type', 'text/html').end('<title>App</title><h1>Welcome to the app</h1>');
  });
  world = await openWorld();
  app = await openRelyingParty(world, {
    client_name: 'Paperplane',
    redirect_uris: [`${server.origin}/callback`],
    post_logout_redirect_uris: [],
  });
  account = await world.account();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
  await server?.stop();
});

async function signsIn(page: Page, url: URL): Promise<void> {
  await page.goto(url.href);
  await page.fill('[name=identifier]', account.identifier);
  if ((await page.locator('[name=password]').count()) === 0) await page.click('form button[type=submit]');
  await page.fill('[name=password]', account.password);
  await page.click('form button[type=submit]');
}

describe('an answer in a form', () => {
  it('is a page that everybody can use where no script runs', async () => {
    const { page, close } = await visit(browser, { javaScript: false, locale: 'de-DE' });
    const { url, state } = app.asks({ response_mode: 'form_post' });
    await signsIn(page, url);
    await page.click('button[value=allow]');
    await page.getByRole('heading', { name: 'Zurück zu Paperplane' }).waitFor();
    await takePicture(page, 'hand-over');
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Weiter' }).press('Enter');
    await page.getByText('Welcome to the app').waitFor();
    expect(arrived.at(-1)?.method).toBe('POST');
    expect(arrived.at(-1)?.form.get('state')).toBe(state);
    await close();
  });

  it('is sent on by itself where scripts run, under our policy', async () => {
    const { page, complaints, close } = await visit(browser);
    // Held back for once, to be looked at.
    const held = await visit(browser);
    await held.page.route('**/*hand-over*.js', (route) => route.abort());
    const { url, state } = app.asks({ response_mode: 'form_post' });
    await signsIn(page, url);
    await page.getByText('Welcome to the app').waitFor();
    expect(arrived.at(-1)?.form.get('state')).toBe(state);
    expect(complaints).toEqual([]);

    await signsIn(held.page, app.asks({ response_mode: 'form_post' }).url);
    await held.page.getByRole('heading', { name: 'Going back to Paperplane' }).waitFor();
    await expectNoAxeViolationsInLightAndDark(held.page);
    await Promise.all([close(), held.close()]);
  });
});
