import Bowser from 'bowser';
import type { Translator } from '../../src/web/words.ts';

/** "Firefox on Windows", from a User-Agent header, which anybody may have written: only known names come out of it. */
export function browserName(words: Translator, userAgent: string | null): string {
  const { browser, os } = Bowser.getParser(userAgent || 'unknown').getResult();
  return words.t('account.browser_on', {
    browser: known(browser.name) ?? words.t('account.unknown_browser'),
    system: known(os.name) ?? words.t('account.unknown_system'),
  });
}

function known(name: string | undefined): string | undefined {
  return name && /^[\p{L}\d .+-]{1,40}$/u.test(name) ? name : undefined;
}
