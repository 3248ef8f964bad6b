import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { alert, heading, passkeyVisits, withoutAutofill } from '../support/passkey-browser.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 300_000;
let world: World;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const passkeyButton = (page: Page) => page.getByRole('button', { name: 'Sign in with a passkey' });

/** Notes what the page asks of the browser and tells it. */
const listening = `
  const note = (name, said) => sessionStorage.setItem(name, JSON.stringify(said));
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = (wish) => (note('asked', wish.mediation), get(wish));
  for (const name of ['signalAllAcceptedCredentials', 'signalCurrentUserDetails'])
    PublicKeyCredential[name] = async (said) => note(name, said);
`;
const heard = async (page: Page, name: string) =>
  JSON.parse(String(await page.evaluate(`sessionStorage.getItem('${name}')`)));

/** Somebody with an account, a browser that can do passkeys, and a passkey in it. */
async function somebody() {
  const visits = passkeyVisits(world, browser);
  const visited = await visits.somebody();
  await visits.addPasskey(visited.page);
  return { ...visits, ...visited };
}

describe('a passkey in a real browser', () => {
  it(
    'is added, listed with where it came from, and signs in from the field of the name, as both factors',
    async () => {
      const { page, account, authenticator, complaints, lastSignIn, at, signOut, close } = await somebody();
      const [credential] = await authenticator.credentials();
      expect(Buffer.from(credential?.userHandle ?? '', 'base64')).toHaveLength(64);
      expect(await page.locator('.rows h3').textContent()).toContain('Passkey (Chrome on Linux)');
      expect(await page.locator('.rows').textContent()).toContain('Not used yet');
      await signOut(page);
      await page.addInitScript({ content: listening });
      // Nothing is typed and nothing is pressed: it is offered in the field and taken.
      await at(page, '/account');
      await page.waitForURL(`${world.issuer}/account`);
      expect(await lastSignIn(account)).toMatchObject({ amr: ['hwk', 'user', 'mfa'] });
      expect(await heard(page, 'asked')).toBe('conditional');
      await at(page, '/account/passkeys');
      expect(await page.locator('.rows').textContent()).toContain('Last used this minute');
      const told = await page.locator('[data-passkey-signals]').getAttribute('data-passkey-signals');
      const id = Buffer.from(credential?.credentialId ?? '', 'base64').toString('base64url');
      const userId = Buffer.from(credential?.userHandle ?? '', 'base64').toString('base64url');
      expect(JSON.parse(told ?? '')).toMatchObject({
        accepted: { rpId: 'localhost', userId, allAcceptedCredentialIds: [id] },
        user: { rpId: 'localhost', userId, name: account.identifier },
      });
      const { accepted, user } = JSON.parse(told ?? '');
      expect(await heard(page, 'signalAllAcceptedCredentials')).toEqual(accepted);
      expect(await heard(page, 'signalCurrentUserDetails')).toEqual(user);
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'signs in by the button where the browser offers none in the field',
    async () => {
      const { page, account, lastSignIn, at, signOut, close } = await somebody();
      await signOut(page);
      await page.addInitScript({ content: withoutAutofill });
      await at(page, '/account');
      await page.getByLabel('Keep me signed in').check();
      await passkeyButton(page).click();
      await page.waitForURL(`${world.issuer}/account`);
      expect(await lastSignIn(account)).toMatchObject({ amr: ['hwk', 'user', 'mfa'], remember: true });
      await close();
    },
    slow,
  );

  it(
    'does nothing and says so when the authenticator does not know its user (misuse case WA-03)',
    async () => {
      const { page, authenticator, complaints, at, signOut, close } = await somebody();
      await signOut(page);
      await authenticator.verifies(false);
      await at(page, '/account');
      await passkeyButton(page).click();
      await alert(page).waitFor();
      expect(await alert(page).textContent()).toContain('No passkey was used');
      expect(await heading(page)).toBe('Sign in');
      expect(complaints).toEqual([]);
      await close();
    },
    slow,
  );

  it(
    'that was copied is refused, and its owner is told (misuse case WA-05)',
    async () => {
      const { page, account, authenticator, at, signOut, close } = await somebody();
      await signOut(page);
      await at(page, '/account');
      await page.waitForURL(`${world.issuer}/account`);
      await signOut(page);
      await authenticator.setCount(0);
      await at(page, '/account');
      await alert(page).waitFor();
      expect(await alert(page).textContent()).toContain('could not be used here');
      const told = (await world.outbox()).find(({ to }) => to === account.identifier);
      expect(told?.subject).toBe('A passkey of your Latchkey account may have been copied');
      await close();
    },
    slow,
  );

  it(
    'that was removed signs nobody in, and the password manager is told to forget it',
    async () => {
      const { page, authenticator, complaints, at, signOut, close } = await somebody();
      await signOut(page);
      await world.services.db.deleteFrom('passkeys').execute();
      await page.addInitScript({
        content: `PublicKeyCredential.signalUnknownCredential = async (said) => sessionStorage.setItem('told', JSON.stringify(said));`,
      });
      await at(page, '/account');
      await alert(page).waitFor();
      expect(await alert(page).textContent()).toContain('no longer known here');
      const said = JSON.parse((await page.evaluate(`sessionStorage.getItem('told')`)) as string);
      const [credential] = await authenticator.credentials();
      const id = Buffer.from(credential?.credentialId ?? '', 'base64').toString('base64url');
      expect(said).toEqual({ rpId: 'localhost', credentialId: id });
      expect(complaints.filter((one) => !/status of 400/.test(one))).toEqual([]);
      await close();
    },
    slow,
  );
});
