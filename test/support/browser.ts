import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/**
 * A real Chromium for tests. scripts/test.mjs says where it is (TEST_CHROMIUM). One browser a test file, one visit a
 * person: a visit has its own cookies and its own window, as on a machine of theirs.
 */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['TEST_CHROMIUM'];
  if (!executablePath) throw new Error('TEST_CHROMIUM is not set: run the tests with npm test');
  return chromium.launch({
    executablePath,
    headless: true,
    // Playwright's own handlers keep a process alive that was told to end.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    args: [
      // Its sandbox needs rights that containers and root do not have; it only ever opens our own pages.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

export type Visit = { page: Page; complaints: string[]; close(): Promise<void> };

/**
 * A new person with an empty browser. `complaints` gathers what the page itself found wrong: script errors, refusals
 * of the content security policy, and anything that was requested from another origin than those visited.
 */
export async function visit(
  browser: Browser,
  {
    locale = 'en-GB',
    colorScheme = 'light',
    javaScript = true,
    width = 1024,
    height = 768,
    ...rest
  }: {
    locale?: string;
    colorScheme?: 'light' | 'dark';
    javaScript?: boolean;
    width?: number;
    height?: number;
  } & BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    locale,
    colorScheme,
    javaScriptEnabled: javaScript,
    viewport: { width, height },
    // Still pictures: a transition under way has colours that no one chose.
    reducedMotion: 'reduce',
    ...rest,
  });
  const page = await context.newPage();
  // A browser beside everything else that a test machine does.
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    const near = protocol === 'data:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    if (!near) complaints.push(`request to another place: ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

export const field = (page: Page, name: string) => page.locator(`[name="${name}"]`).first();
export const submit = (page: Page) => page.locator('main form button[type=submit]').first().click();

/** The first page of a sign-in, filled and sent. */
export async function typesPassword(
  page: Page,
  { identifier, password }: { identifier: string; password: string },
): Promise<void> {
  await field(page, 'identifier').fill(identifier);
  await field(page, 'password').fill(password);
  await submit(page);
}

/** With the password given for the account pages, where a code is asked for. */
export async function atCode(
  { page }: Visit,
  { issuer }: { issuer: string },
  account: { identifier: string; password: string },
): Promise<void> {
  await page.goto(`${issuer}/account`);
  await typesPassword(page, account);
  await field(page, 'code').waitFor();
}

/** Throws with each broken rule and the elements that break it (WCAG 2.2 A and AA, and axe's best practices). */
export async function expectNoAxeViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    // The other mode opens one more page for each run, to join what it found in frames. Ours have none.
    .setLegacyMode(true)
    .analyze();
  if (violations.length === 0) return;
  const told = violations.map(({ id, help, nodes }) => {
    const where = nodes.map((node) => `    ${node.target.join(' ')}: ${node.failureSummary ?? ''}`);
    return [`  ${id}: ${help}`, ...where].join('\n');
  });
  throw new Error(`${page.url()} is not accessible to everyone:\n${told.join('\n')}`);
}

/** Runs the check in light and in dark, since every colour exists twice. */
export async function expectNoAxeViolationsInLightAndDark(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectNoAxeViolations(page);
  }
}

/** Saves what the page looks like for a person to judge, and answers where: TEST_PICTURES or a temporary folder. */
export async function takePicture(page: Page, name: string): Promise<string> {
  const folder = process.env['TEST_PICTURES'] ?? path.join(os.tmpdir(), 'latchkey-pictures');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file, fullPage: true });
  return file;
}

/** What a page weighs: the bytes of everything it fetched on the way, as they crossed the wire. */
export async function weigh(page: Page, go: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await go();
  await page.waitForLoadState('networkidle');
  await session.detach();
  return bytes;
}
