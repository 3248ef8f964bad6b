import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { minutes } from '../../src/kit/durations.ts';
import { openBrowser, visit } from '../support/browser.ts';
import { alert, heading, passkeyVisits, submit } from '../support/passkey-browser.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { addAuthenticator } from '../support/virtual-authenticator.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 300_000;
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

/** What a browser does whose password manager makes passkeys quietly; Chromium's test authenticator leaves it waiting. */
const makesQuietly = `
  const make = navigator.credentials.create.bind(navigator.credentials);
  navigator.credentials.create = ({ mediation, ...rest }) =>
    mediation === 'conditional' ? make(rest) : Promise.reject(new DOMException('', 'NotAllowedError'));
`;

describe('a security key beside the password', () => {
  it(
    'is asked for at the second step and needs no PIN',
    async () => {
      const key = { transport: 'usb', residentKeys: false, verifies: false } as const;
      const { page, account, complaints, close } = await visits.somebody(key);
      await visits.addSecurityKey(page);
      expect(await page.locator('.rows h3').textContent()).toContain('Security key');
      await visits.signOut(page);

      await visits.at(page, '/account');
      await visits.typePassword(page, account);
      await page.getByText('Prove that it is you with your passkey or security key.').waitFor();
      await submit(page).click();
      await page.waitForURL(`${world.issuer}/account`);
      expect(await visits.lastSignIn(account)).toMatchObject({ amr: ['pwd', 'hwk', 'user', 'mfa'] });
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'that is another one leaves a sentence and the way to the other methods',
    async () => {
      const key = { transport: 'usb', residentKeys: false, verifies: false } as const;
      const { page, account, authenticator, close } = await visits.somebody(key);
      await visits.addSecurityKey(page);
      await visits.signOut(page);
      await authenticator.remove();
      await addAuthenticator(page, key);
      await visits.at(page, '/account');
      await visits.typePassword(page, account);
      await submit(page).click();
      await alert(page).waitFor();
      expect(await alert(page).textContent()).toContain('No passkey was used');
      expect(await page.getByRole('link', { name: /another method|backup/i }).count()).toBe(1);
      await close();
    },
    slow,
  );
});

describe('adding one', () => {
  it(
    'twice to one device is told in words',
    async () => {
      const { page, complaints, close } = await visits.somebody();
      await visits.addPasskey(page);
      await page.getByRole('link', { name: 'Add a passkey' }).click();
      await page.getByRole('button', { name: 'Create a passkey' }).click();
      await alert(page).waitFor();
      expect(await alert(page).textContent()).toContain('already registered');
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'asks for a fresh proof when the last one grew old, by passkey first',
    async () => {
      const { page, account, close } = await visits.somebody();
      await visits.addPasskey(page);
      world.advance(11 * minutes);
      await visits.at(page, '/account/passkeys');
      await page.getByRole('link', { name: /^Remove/ }).click();
      await page.waitForURL(/\/account\/confirm/);
      await submit(page).click();
      await page.waitForURL(/\/account\/passkeys/);
      await page.getByRole('link', { name: /^Remove/ }).click();
      expect(await heading(page)).toMatch(/^Remove Passkey/);
      await submit(page).click();
      await page.waitForURL(/did=passkey_removed/);
      expect(await listPasskeys(world.services, account.accountId)).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'while the proof grows old on the open page leads to the proof and back',
    async () => {
      const { page, close } = await visits.somebody();
      await visits.at(page, '/account/passkeys/new');
      world.advance(11 * minutes);
      await page.getByRole('button', { name: 'Create a passkey' }).click();
      await page.waitForURL(/\/account\/confirm/);
      await close();
    },
    slow,
  );
});

describe('an app that asks for more than a password', () => {
  it(
    'gets the passkey of who is signed in by password, and nothing else is asked',
    async () => {
      const app = await openRelyingParty(world, { first_party: true });
      const { page, complaints, close } = await visits.somebody();
      await visits.addPasskey(page);
      const attempt = app.asks({ acr_values: 'phr' });
      // The address of the app leads nowhere; what it is told stands in it.
      const arrived = page.waitForRequest((request) => request.url().startsWith(app.redirectUri));
      await page.goto(attempt.url.href);
      await page.getByText('Prove that it is you with your passkey or security key.').waitFor();
      expect(await page.locator('[name=password]').count()).toBe(0);
      await submit(page).click();
      const left = await world.person().goes((await arrived).url());
      const tokens = await app.receives(left, attempt);
      expect(tokens.claims()).toMatchObject({ acr: 'phr', amr: ['pwd', 'hwk', 'user', 'mfa'] });
      expect(complaints.filter((one) => !one.includes('example.test'))).toEqual([]);
      await close();
    },
    slow,
  );
});

describe('the offer after a sign-in by password', () => {
  async function offered({ script = '' } = {}) {
    const account = await world.account();
    const visited = await visit(browser);
    const authenticator = await addAuthenticator(visited.page);
    if (script) await visited.page.addInitScript({ content: script });
    await visits.opensSignIn(visited.page);
    await visits.typePassword(visited.page, account);
    return { account, authenticator, ...visited };
  }

  it(
    'makes a passkey and goes on to where the person was going',
    async () => {
      const { page, account, authenticator, complaints, close } = await offered();
      await page.getByRole('button', { name: 'Create a passkey' }).click();
      await page.waitForURL(`${world.issuer}/account`);
      expect(await authenticator.credentials()).toHaveLength(1);
      expect(await visits.lastSignIn(account)).toMatchObject({ amr: ['pwd'] });
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'is made quietly where the browser agrees',
    async () => {
      const { page, account, close } = await offered({ script: makesQuietly });
      await page.waitForURL(`${world.issuer}/account`);
      const [passkey] = await listPasskeys(world.services, account.accountId);
      expect(passkey).toMatchObject({ kind: 'passkey' });
      await close();
    },
    slow,
  );

  it(
    'rests for a month after "not now", and for good after "don’t ask me again"',
    async () => {
      const { page, account, close } = await offered();
      await page.getByRole('button', { name: 'Not now' }).click();
      await page.waitForURL(`${world.issuer}/account`);
      const again = async () => {
        await visits.signOut(page);
        await visits.opensSignIn(page);
        await visits.typePassword(page, account);
        const next = page.getByRole('heading', { level: 1, name: /^(Sign in faster|Your account)/ });
        await next.waitFor();
        return (await next.textContent()) === 'Sign in faster next time';
      };
      expect(await again()).toBe(false);
      world.advance(31 * 24 * 60 * minutes);
      expect(await again()).toBe(true);
      await page.getByRole('button', { name: 'Don’t ask me again' }).click();
      await page.waitForURL(`${world.issuer}/account`);
      world.advance(31 * 24 * 60 * minutes);
      expect(await again()).toBe(false);
      await close();
    },
    slow,
  );

  it(
    'is not made to a browser without an authenticator, nor without scripts',
    async () => {
      for (const javaScript of [true, false]) {
        const account = await world.account();
        const { page, complaints, close } = await visit(browser, { javaScript });
        if (javaScript) {
          const none =
            'PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable = async () => false;';
          await page.addInitScript({ content: none });
        }
        await visits.at(page, '/account');
        expect(await page.getByRole('button', { name: 'Sign in with a passkey' }).count()).toBe(
          javaScript ? 1 : 0,
        );
        await visits.typePassword(page, account);
        await page.waitForURL(`${world.issuer}/account`);
        expect(complaints).toEqual([]);
        await close();
      }
    },
    slow,
  );
});
