import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { registerClient } from '../../../src/actions/register-client.ts';
import { type AppServer, listenForApp } from '../../support/app-server.ts';
import { openBrowser, type Visit, visit } from '../../support/browser.ts';
import { recipe } from '../../support/recipes.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** An app that lives in the browser alone, on oidc-client-ts as it is published, in a real Chromium. */
const slow = 300_000;
const scope = 'openid profile email offline_access';
let world: World;
let browser: Browser;
let app: AppServer;
let account: TestAccount;
beforeAll(async () => {
  [world, browser, app] = await Promise.all([openWorld({ DPOP_NONCE: 'on' }), openBrowser(), listenForApp()]);
  account = await world.account({ profile: { name: 'Ana García' } });
  const added = await registerClient(world.services, {
    clientId: 'spa',
    metadata: {
      client_name: 'Sketchpad',
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${app.origin}/callback`],
      post_logout_redirect_uris: [`${app.origin}/`],
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  serveSketchpad();
}, slow);
afterAll(async () => {
  await browser?.close();
  await app?.stop();
  await world?.close();
});

function serveSketchpad(): void {
  const main = createRequire(import.meta.url).resolve('oidc-client-ts');
  const library = readFileSync(path.join(main, '../../browser/oidc-client-ts.min.js'));
  const setUp = recipe('In the browser: oidc-client-ts', {
    language: 'js',
    given: {
      'https://id.example.com': world.issuer,
      "'sketchpad'": "'spa'",
      'https://sketchpad.example': app.origin,
    },
  });
  const arrive = `manager.signinCallback().then(
    (user) => user && location.replace('/'),
    (problem) => { document.querySelector('h1').textContent = problem.error; },
  );`;
  app.serve((request, response) => {
    const { pathname } = new URL(request.url ?? '/', app.origin);
    if (pathname === '/oidc.js') return response.end(library);
    response.writeHead(200, { 'content-type': 'text/html' });
    const script = pathname === '/callback' ? setUp + arrive : setUp;
    return response.end(
      `<!doctype html><link rel="icon" href="data:,"><h1>Sketchpad</h1><script src="/oidc.js"></script><script>${script}</script>`,
    );
  });
}

async function signsIn(page: Page, person: TestAccount, decision = 'allow'): Promise<void> {
  await page.locator('[name=identifier]').fill(person.identifier);
  await page.locator('[name=password]').fill(person.password);
  await page.locator('main form button[type=submit]').first().click();
  await page.locator(`[name=decision][value=${decision}]`).click();
}

type User = { access_token: string; refresh_token: string; profile: Record<string, unknown>; scope: string };
const userOf = (page: Page): Promise<User | null> =>
  page.evaluate('manager.getUser().then((user) => user && JSON.parse(JSON.stringify(user)))');

async function signedIn(): Promise<Visit> {
  const seen = await visit(browser);
  const { page } = seen;
  await page.goto(app.origin);
  await page.evaluate('void manager.signinRedirect()');
  await signsIn(page, await world.account(), 'allow');
  await page.waitForURL(`${app.origin}/`);
  return seen;
}

describe('an app on oidc-client-ts', () => {
  it(
    'signs in by redirect, reads claims, refreshes, revokes and signs out',
    async () => {
      const { page, complaints, close } = await visit(browser);
      await page.goto(app.origin);
      await page.evaluate('void manager.signinRedirect()');
      await signsIn(page, account);
      await page.waitForURL(`${app.origin}/`);
      const user = await userOf(page);
      expect(user?.profile).toMatchObject({ iss: world.issuer, aud: 'spa' });
      expect(user?.profile).toMatchObject({ name: 'Ana García', email: account.identifier });
      expect(user?.scope).toBe(scope);

      await page.evaluate('manager.signinSilent()');
      const later = await userOf(page);
      expect(later?.refresh_token).toMatch(/./);
      expect(later?.refresh_token).not.toBe(user?.refresh_token);

      await page.evaluate("manager.revokeTokens(['refresh_token'])");
      await page.evaluate('void manager.signoutRedirect()');
      await page.locator('[name=logout][value=yes]').click();
      await page.waitForURL(`${app.origin}/`);
      expect(await userOf(page)).toBeNull();
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'signs in in a window of its own',
    async () => {
      const { page, close } = await visit(browser);
      await page.goto(app.origin);
      const opened = page.waitForEvent('popup');
      const user = page.evaluate('manager.signinPopup().then((user) => user.profile.name)');
      await signsIn(await opened, await world.account({ profile: { name: 'Bo Li' } }));
      expect(await user).toBe('Bo Li');
      await close();
    },
    slow,
  );

  it(
    'learns in a hidden frame that the person is still signed in, and that they are not',
    async () => {
      const { page, close } = await signedIn();
      await page.evaluate('manager.removeUser()');
      const profile = page.evaluate('manager.signinSilent().then((user) => user.profile.iss)');
      expect(await profile).toBe(world.issuer);
      await page.context().clearCookies();
      await page.evaluate('manager.removeUser()');
      const problem = page.evaluate('manager.signinSilent().catch(({ error }) => error)');
      expect(await problem).toBe('login_required');
      await close();
    },
    slow,
  );

  it(
    'is told when the person says no',
    async () => {
      const { page, close } = await visit(browser);
      await page.goto(app.origin);
      await page.evaluate('void manager.signinRedirect()');
      await signsIn(page, await world.account(), 'deny');
      await page.waitForFunction("document.querySelector('h1').textContent === 'access_denied'");
      await close();
    },
    slow,
  );

  it(
    'binds its tokens to a key that never leaves the browser, by a nonce of ours (DPoP, RFC 9449)',
    async () => {
      const { page, close } = await visit(browser);
      await page.goto(app.origin);
      const bound = `new oidc.UserManager({
        ...manager.settings,
        // The library asks for claims with a plain Bearer, which is no use for a bound token.
        loadUserInfo: false,
        dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() },
      })`;
      const opened = page.waitForEvent('popup');
      const user = page.evaluate(`(async () => {
        window.bound = ${bound};
        const { token_type, profile } = await bound.signinPopup();
        await bound.signinSilent();
        return [token_type, profile.iss];
      })()`);
      await signsIn(await opened, await world.account());
      expect(await user).toEqual(['DPoP', world.issuer]);
      await close();
    },
    slow,
  );
});
