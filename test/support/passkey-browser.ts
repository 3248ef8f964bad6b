import type { Browser, Page } from 'playwright-core';
import { listEvents } from '../../src/audit/list.ts';
import { type Visit, visit } from './browser.ts';
import { addAuthenticator, type VirtualAuthenticator } from './virtual-authenticator.ts';
import type { TestAccount, World } from './world.ts';

/** What people do with passkeys in a real browser, in one world. */
export function passkeyVisits(world: World, browser: Browser) {
  const at = (page: Page, path: string) => page.goto(`${world.issuer}${path}`);

  async function typePassword(page: Page, { identifier, password }: TestAccount): Promise<void> {
    await page.locator('[name=identifier]').fill(identifier);
    await page.locator('[name=password]').fill(password);
    await submit(page).click();
  }

  /** The sign-in page, once its script has told the server what the browser can: people take that long to type. */
  async function opensSignIn(page: Page): Promise<void> {
    const told = page.waitForResponse((response) => response.url().endsWith('/passkey/options'));
    await at(page, '/account');
    await told;
  }

  /** With the password, saying never to the offer that may follow. */
  async function signIn(page: Page, account: TestAccount, { offered }: { offered: boolean }): Promise<void> {
    await opensSignIn(page);
    await typePassword(page, account);
    if (offered) await page.getByRole('button', { name: 'Don’t ask me again' }).click();
    await page.waitForURL(`${world.issuer}/account`);
  }

  async function addPasskey(page: Page): Promise<void> {
    await at(page, '/account/passkeys');
    await page.getByRole('link', { name: 'Add a passkey' }).click();
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await page.waitForURL(/did=passkey_added/);
  }

  async function addSecurityKey(page: Page): Promise<void> {
    await at(page, '/account/passkeys/new-key');
    await page.getByRole('button', { name: 'Register the key' }).click();
    await page.waitForURL(/did=passkey_added/);
  }

  return {
    at,
    opensSignIn,
    typePassword,
    signIn,
    addPasskey,
    addSecurityKey,
    async signOut(page: Page): Promise<void> {
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(/signed-out/);
    },
    /** Somebody with an account and a browser that can do passkeys; signed in, with none yet. */
    async somebody(
      options: Parameters<typeof addAuthenticator>[1] = {},
    ): Promise<Visit & { account: TestAccount; authenticator: VirtualAuthenticator }> {
      const account = await world.account();
      const visited = await visit(browser);
      const authenticator = await addAuthenticator(visited.page, options);
      // Only an authenticator of the device itself is worth an offer.
      await signIn(visited.page, account, { offered: options.transport !== 'usb' });
      return { account, authenticator, ...visited };
    },
    /** The newest sign-in: how it was proved, and whether it is to be remembered. */
    async lastSignIn({ accountId }: TestAccount): Promise<Record<string, unknown>> {
      const types = ['account.signed_in'] as const;
      const [event] = await listEvents(world.services, { accountId, types: [...types], limit: 1 });
      return event?.detail ?? {};
    },
  };
}

export const alert = (page: Page) => page.locator('main [role=alert]:visible').first();
export const heading = (page: Page) => page.locator('h1').textContent();
export const submit = (page: Page) => page.locator('main form button[type=submit]:visible').first();
export const withoutAutofill = 'PublicKeyCredential.isConditionalMediationAvailable = async () => false;';
