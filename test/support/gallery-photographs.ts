import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { galleryPages, openGallery } from './gallery.ts';

/** `node test/support/gallery-photographs.ts FOLDER`: the sample pages as pictures, to be looked at by a person. */
async function photograph(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { origin, close } = await openGallery();
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const wide = { width: 1180, height: 820 };
  const narrow = { width: 320, height: 640 };
  const looks = [
    { name: 'light', locale: 'en', viewport: wide, colorScheme: 'light' },
    { name: 'dark', locale: 'en', viewport: wide, colorScheme: 'dark' },
    { name: 'narrow', locale: 'en', viewport: narrow, colorScheme: 'light' },
    { name: 'ar', locale: 'ar', viewport: wide, colorScheme: 'light' },
    { name: 'ja', locale: 'ja', viewport: narrow, colorScheme: 'dark' },
  ] as const;
  for (const { name, ...options } of looks) {
    const page = await browser.newPage(options);
    for (const sample of galleryPages) {
      await page.goto(`${origin}/${sample}`);
      await page.screenshot({
        path: path.join(folder, `${sample.replace('?', '-')}.${name}.png`),
        fullPage: true,
      });
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (Number(wider) > 0) console.log(`${sample} ${name}: ${wider} px too wide`);
    }
    await page.close();
  }
  await browser.close();
  await close();
}

const folder = process.argv[2];
if (!folder) throw new Error('say where the pictures go');
await photograph(folder);
