import { browserParts } from '../../src/web/browser-family.ts';
import type { Translator } from '../../src/web/words.ts';

/** "Firefox on Windows", from a User-Agent header. */
export function browserName(words: Translator, userAgent: string | null): string {
  const { browser, system } = browserParts(userAgent);
  return words.t('account.browser_on', {
    browser: browser ?? words.t('account.unknown_browser'),
    system: system ?? words.t('account.unknown_system'),
  });
}
