import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { expectNoAxeViolationsInLightAndDark, takePicture } from './browser.ts';

/** What every page has to be: accessible in light and dark, and whole in a narrow window. With a name it is kept for somebody to look at. */
export async function expectToBeSound(page: Page, name?: string): Promise<void> {
  const keep = (how: string) => (name === undefined ? undefined : takePicture(page, `${name}-${how}`));
  expect(await page.locator('h1').count()).toBe(1);
  await expectNoAxeViolationsInLightAndDark(page);
  await keep('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await keep('light');
  await expectToFitANarrowWindow(page, () => keep('narrow'));
}

/** Nothing is cut off or needs to be scrolled sideways in a window of 320 pixels (WCAG 1.4.10). */
export async function expectToFitANarrowWindow(page: Page, seen: () => unknown = () => {}): Promise<void> {
  const size = page.viewportSize() ?? { width: 1024, height: 768 };
  await page.setViewportSize({ width: 320, height: 640 });
  await seen();
  const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  expect([page.url(), tooWide]).toEqual([page.url(), 0]);
  await page.setViewportSize(size);
}
