import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { galleryPages, openGallery } from '../support/gallery.ts';

let browser: Browser;
let gallery: Awaited<ReturnType<typeof openGallery>>;
let stranger: Awaited<ReturnType<typeof openGallery>>;

beforeAll(async () => {
  gallery = await openGallery();
  stranger = await openGallery();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await gallery?.close();
  await stranger?.close();
});

/** Opens a page in a window of its own; what the browser complains of, refused styles and scripts too, fails the test. */
async function opened(options: BrowserContextOptions, see: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    // An error page is reported as a failed resource; that is what it is.
    if (message.type() === 'error' && !/status of (403|404|500)/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await see(page);
  await context.close();
  expect(complaints).toEqual([]);
}

describe('the sample pages', () => {
  it.each([
    ['in light', galleryPages, { colorScheme: 'light', locale: 'en' }],
    ['in dark', galleryPages, { colorScheme: 'dark', locale: 'en' }],
    ['in Arabic', ['sign-in?bad', 'apps'], { colorScheme: 'light', locale: 'ar' }],
    ['in high contrast', ['sign-in?bad', 'apps'], { forcedColors: 'active', locale: 'en' }],
  ] as const)('are accessible %s', async (_, names, options) => {
    await opened(options, async (page) => {
      for (const name of names) {
        await page.goto(`${gallery.origin}/${name}`);
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
        const found = violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`);
        expect(found).toEqual([]);
        expect(await page.locator('h1').count()).toBe(1);
      }
    });
  });

  it.each(['en', 'de', 'ar'])('fit a window of 320 pixels in %s, the size of 400 %% zoom', async (locale) => {
    await opened({ viewport: { width: 320, height: 640 }, locale }, async (page) => {
      for (const name of galleryPages) {
        await page.goto(`${gallery.origin}/${name}`);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect([name, overflow]).toEqual([name, 0]);
      }
    });
  });

  it.each([
    ['en', 'none'],
    ['ar', 'matrix(-1, 0, 0, 1, 0, 0)'],
  ])('point forward the way %s is read', async (locale, transform) => {
    await opened({ locale }, async (page) => {
      await page.goto(`${gallery.origin}/apps`);
      const drawn = `document.querySelector('main').insertAdjacentHTML('beforeend', '<svg class="icon forward"></svg>');
        getComputedStyle(document.querySelector('.icon.forward')).transform`;
      expect(await page.evaluate(drawn)).toBe(transform);
    });
  });

  it('have targets of 44 pixels', async () => {
    await opened({ viewport: { width: 320, height: 640 } }, async (page) => {
      for (const name of ['sign-in', 'consent', 'apps']) {
        await page.goto(`${gallery.origin}/${name}`);
        for (const target of await page
          .locator('button:visible, input:visible:not([type=checkbox]), nav a')
          .all())
          expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
      }
    });
  });
});

describe('in a real browser', () => {
  it('a form of ours says where it comes from, in Sec-Fetch-Site and in Origin', async () => {
    await opened({}, async (page) => {
      await page.goto(`${gallery.origin}/sign-in`);
      await page.fill('[name=identifier]', 'ana@example.com');
      await page.fill('[name=password]', 'x');
      await page.click('button[type=submit]');
      const headers = JSON.parse((await page.locator('pre').textContent()) ?? '');
      expect(headers).toMatchObject({ 'sec-fetch-site': 'same-origin', origin: gallery.origin });
    });
  });

  it('a form of a stranger does nothing', async () => {
    await opened({}, async (page) => {
      await page.goto(`${stranger.origin}/sign-in`);
      await page.evaluate(`document.forms[0].action = '${gallery.origin}/echo'`);
      await page.fill('[name=identifier]', 'x');
      await page.fill('[name=password]', 'x');
      await page.click('button[type=submit]');
      await page.waitForURL(`${gallery.origin}/echo`);
      expect(await page.locator('meta[name=latchkey-error]').getAttribute('content')).toBe('cross_site');
    });
  });

  it('a frame around a page of ours stays empty', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${stranger.origin}/sign-in`);
    for (const name of ['sign-in', 'apps', 'nowhere', 'broken']) {
      await page.setContent(`<iframe src="${gallery.origin}/${name}"></iframe>`);
      await page.waitForTimeout(200);
      const [, frame] = page.frames();
      expect(await frame?.locator('main').count()).toBe(0);
    }
    await context.close();
  });

  it('a password can be looked at, and is hidden again before it leaves', async () => {
    await opened({}, async (page) => {
      await page.goto(`${gallery.origin}/sign-in`);
      const field = page.locator('[name=password]');
      await field.fill('correct horse');
      const button = page.getByRole('button', { name: 'Show password' });
      await button.click();
      expect(await field.getAttribute('type')).toBe('text');
      await button.click();
      expect(await field.getAttribute('type')).toBe('password');
    });
  });

  it('a form is sent once, however often its button is pressed', async () => {
    await opened({}, async (page) => {
      await page.goto(`${gallery.origin}/code`);
      await page.fill('[name=code]', '123456');
      let posts = 0;
      await page.route('**/echo', async (route) => {
        posts += 1;
        await new Promise((resolve) => setTimeout(resolve, 150));
        await route.fulfill({ status: 204 });
      });
      const answered = page.waitForResponse('**/echo');
      await page.evaluate(
        "for (let i = 0; i < 3; i++) document.querySelector('button[type=submit]').click()",
      );
      // The first has arrived by then, however busy the machine; another would not be long in coming.
      await answered;
      await page.waitForTimeout(300);
      expect(posts).toBe(1);
    });
  });

  it('a new password is judged while it is typed', async () => {
    await opened({}, async (page) => {
      await page.goto(`${gallery.origin}/apps`);
      await page.fill('[name=password]', 'tr0ub4dor');
      await page.getByText('Fair. A few more words').waitFor();
    });
  });

  it('everything works without scripts', async () => {
    await opened({ javaScriptEnabled: false }, async (page) => {
      await page.goto(`${gallery.origin}/code`);
      await page.fill('[name=code]', '123456');
      await page.click('button[type=submit]');
      expect(await page.locator('pre').textContent()).toContain('same-origin');
      await page.goto(`${gallery.origin}/sign-in`);
      expect(await page.locator('[data-reveal]').isVisible()).toBe(false);
    });
  });
});
