import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Route } from 'playwright-core';
import { recordEvent } from '../../src/audit/record.ts';
import { setPassword } from '../../src/credentials/password.ts';
import { atCode, field, openBrowser, submit, type Visit, visit } from '../support/browser.ts';
import {
  type Careful,
  carefulAccount,
  giveApprovals,
  otherThan,
  signedInFully,
} from '../support/second-steps.ts';
import { expectToBeSound } from '../support/sound-pages.ts';
import { openWorld, type World } from '../support/world.ts';

const slow = 240_000;
let world: World;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld(), openBrowser()]);
}, slow);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

/** At the page that shows the number. */
async function asks(seen: Visit, account: Careful): Promise<string> {
  await atCode(seen, world, account);
  await seen.page.locator('a[href$="/second-step/methods"]').click();
  await seen.page.locator('button[value="approval.device"]').click();
  const number = await seen.page.locator('[data-approval-number]').textContent();
  return (number ?? '').replace(/\D/g, '');
}

describe.each(['en-GB', 'ar'])('an approval, in %s', (locale) => {
  const named = (name: string) => `${locale.slice(0, 2)}-approval-${name}`;

  it(
    'is given on pages that everybody can use, and the waiting one goes on by itself',
    async () => {
      const account = await carefulAccount(world);
      const [phone, laptop] = [await visit(browser, { locale }), await visit(browser, { locale })];
      await atCode(phone, world, account);
      await field(phone.page, 'code').fill(await world.freshCode(account.totpSecret));
      await submit(phone.page);
      await phone.page.waitForURL(`${world.issuer}/account`);
      await phone.page.goto(`${world.issuer}/account/two-step/approvals`);
      await expectToBeSound(phone.page, named('setting'));
      await submit(phone.page);
      await phone.page.waitForURL(/did=approvals_on/);
      await expectToBeSound(phone.page, named('two-step'));

      const number = await asks(laptop, account);
      await expectToBeSound(laptop.page, named('waiting'));
      await phone.page.goto(`${world.issuer}/account`);
      await expectToBeSound(phone.page, named('banner'));
      await phone.page.locator('.asked a').click();
      await expectToBeSound(phone.page, named('asked'));
      await field(phone.page, 'number').fill(number);
      await submit(phone.page);
      await phone.page.waitForURL(/did=sign_in_approved/);
      // Nobody presses anything there.
      await laptop.page.waitForURL(`${world.issuer}/account`, { timeout: 30_000 });

      const other = await visit(browser, { locale });
      const wanted = await asks(other, account);
      await phone.page.goto(`${world.issuer}/account/approvals`);
      await field(phone.page, 'number').fill(otherThan(wanted));
      await submit(phone.page);
      await phone.page.waitForURL(/refused-sign-in/);
      await expectToBeSound(phone.page, named('refused'));
      await other.page.locator('[name="identifier"]').waitFor({ timeout: 30_000 });
      await expectToBeSound(other.page, named('refused-waiting'));
      await phone.page.goto(`${world.issuer}/account/approvals`);
      await expectToBeSound(phone.page, named('none'));
      for (const seen of [phone, laptop, other]) {
        expect(seen.complaints).toEqual([]);
        await seen.close();
      }
    },
    slow,
  );

  it(
    'is not what an unusual sign-in is asked for: that is a code, with the reasons',
    async () => {
      const account = await world.account();
      for (let guess = 0; guess < 20; guess += 1)
        await recordEvent(world.services, { type: 'account.sign_in_failed', accountId: account.accountId });
      const seen = await visit(browser, { locale });
      await atCode(seen, world, account);
      await expectToBeSound(seen.page, named('unusual'));
      await field(seen.page, 'code').fill(await world.codeSentTo(account.identifier));
      await submit(seen.page);
      await seen.page.waitForURL(`${world.issuer}/account`);
      expect(seen.complaints).toEqual([]);
      await seen.close();
    },
    slow,
  );

  it(
    'is not what a password of attackers’ lists is asked for: that is another one, before the sign-in ends',
    async () => {
      const account = { ...(await world.account()), password: 'password123' };
      await setPassword(world.services, account);
      const seen = await visit(browser, { locale });
      await atCode(seen, world, account);
      await field(seen.page, 'code').fill(await world.codeSentTo(account.identifier));
      await submit(seen.page);
      await seen.page.locator('form[action$="/known-password"]').waitFor();
      await expectToBeSound(seen.page, named('known-password'));
      await field(seen.page, 'password').fill('nine quiet lanterns more');
      await submit(seen.page);
      await seen.page.waitForURL(`${world.issuer}/account`);
      expect(seen.complaints).toEqual([]);
      await seen.close();
    },
    slow,
  );
});

describe('a waiting page', () => {
  it(
    'whose server is gone, or has no store, waits on and goes on when one answers',
    async () => {
      const account = await carefulAccount(world);
      await giveApprovals(world.services, account.accountId);
      const phone = await signedInFully(world, account);
      const laptop = await visit(browser);
      const number = await asks(laptop, account);
      const unavailable = { error: 'unavailable', reference: 'abcd-1234' };
      const troubles: ((route: Route) => Promise<void>)[] = [
        (route) => route.abort('connectionrefused'),
        (route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }),
        (route) => route.fulfill({ status: 503, json: unavailable }),
      ];
      const left = [...troubles];
      await laptop.page.route(
        '**/second-step/elsewhere',
        (route) => left.shift()?.(route) ?? route.continue(),
      );
      const sent: string[] = [];
      laptop.page.on('request', (one) => void (one.method() === 'POST' && sent.push(one.url())));
      await phone.goes(`${world.issuer}/account/approvals`);
      await laptop.page.waitForResponse((one) => one.url().endsWith('/elsewhere') && one.ok(), {
        timeout: 60_000,
      });
      // Sent to a server that is not there, the form would leave an error page in the place of the number.
      expect([left, sent]).toEqual([[], []]);
      await phone.submits({ number });
      await laptop.page.waitForURL(`${world.issuer}/account`, { timeout: 30_000 });
      await laptop.close();
    },
    slow,
  );
});
