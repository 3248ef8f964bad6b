import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { registerApi } from '../../src/actions/register-api.ts';
import { expectNoAxeViolationsInLightAndDark, openBrowser, takePicture, visit } from '../support/browser.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** The consent page of an app that asks for scopes of an API and for one payment, as a person sees it. */
const bank = 'https://bank.example.test';
let world: World;
let browser: Browser;
beforeAll(async () => {
  world = await openWorld();
  browser = await openBrowser();
  await registerApi(world.services, {
    identifier: bank,
    name: 'Example Bank',
    open_to_all: true,
    scopes: [
      { name: 'bank:read', title: { en: 'See your balance', ar: 'عرض رصيدك' } },
      {
        name: 'bank:history',
        title: { en: 'See past payments', ar: 'عرض المدفوعات السابقة' },
        optional: true,
      },
    ],
    authorization_details_types: [
      {
        type: 'payment',
        title: { en: 'Make one payment', ar: 'إجراء دفعة واحدة' },
        fields: [
          { name: 'amount', title: { en: 'Amount', ar: 'المبلغ' } },
          { name: 'creditor', title: { en: 'To', ar: 'إلى' } },
        ],
      },
    ],
  });
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

describe('a consent page that names an API', () => {
  it.each(['en', 'ar'])(
    'is accessible in %s, and can be answered with the keyboard alone',
    async (locale) => {
      const app = await openRelyingParty(world);
      const account = await world.account();
      const discovery = `${world.issuer}/.well-known/openid-configuration`;
      while (!(await send(discovery)).json['authorization_details_types_supported']) await sleep(20);
      const details = [{ type: 'payment', amount: '12.50 EUR', creditor: 'Anna' }];
      const asked = {
        scope: 'openid email bank:read bank:history',
        resource: bank,
        authorization_details: JSON.stringify(details),
      };
      const { page, complaints, close } = await visit(browser, { locale });
      await page.goto(String(app.asks(asked).url));
      await page.fill('[name=identifier]', account.identifier);
      await page.fill('[name=password]', account.password);
      await page.press('[name=password]', 'Enter');
      await page.waitForSelector('button[value=allow]');
      await expectNoAxeViolationsInLightAndDark(page);
      await takePicture(page, `consent-apis-${locale}`);
      const text = await page.textContent('main');
      expect(text).toContain('12.50 EUR');
      expect(text).toContain(locale === 'en' ? 'See your balance' : 'عرض رصيدك');
      // The optional ones: an address, and one scope of the API.
      expect(await page.locator('[name=scope]').count()).toBe(2);
      await page.locator('[name=scope]').last().focus();
      await page.keyboard.press('Space');
      await page.keyboard.press('Tab');
      expect(await page.locator(':focus').getAttribute('value')).toBe('allow');
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
