import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { IntlMessageFormat } from 'intl-messageformat';
import { look } from '../../interactions/shared/look.ts';
import { locales, openWords, readCatalogue } from '../../src/web/words.ts';

const words = openWords(look.messages);

/** The names of the placeholders of a message, in whatever branch they stand. */
function placeholders(text: string, locale: string): string[] {
  const names = new Set<string>();
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk);
    else if (typeof node === 'object' && node !== null) {
      const { type, value } = node as { type?: number; value?: unknown };
      // Types 1 to 6 are arguments: plain, number, date, time, select and plural.
      if (type !== undefined && type >= 1 && type <= 6 && typeof value === 'string') names.add(value);
      Object.values(node).forEach(walk);
    }
  };
  walk(new IntlMessageFormat(text, locale, undefined, { ignoreTag: true }).getAst());
  return [...names].sort();
}

describe('the catalogues', () => {
  const english = readCatalogue(look.messages, 'en');

  it.each(locales)('say everything in %s, with the same placeholders', (locale) => {
    const own = readCatalogue(look.messages, locale);
    expect([...own.keys()].sort()).toEqual([...english.keys()].sort());
    const different = [...own].filter(
      ([key, text]) =>
        String(placeholders(text, locale)) !== String(placeholders(english.get(key) ?? '', 'en')),
    );
    expect(different.map(([key]) => key)).toEqual([]);
  });

  it.each(locales.filter((locale) => locale !== 'en'))('are translated in %s, not copied', (locale) => {
    const own = readCatalogue(look.messages, locale);
    const same = [...own].filter(
      ([key, text]) => text === english.get(key) && /[a-z]{4,} [a-z]{4,}/.test(text),
    );
    expect(same).toEqual([]);
  });

  it('have every message that a page or a part names', () => {
    const root = path.join(import.meta.dirname, '../../interactions');
    const missing = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ejs'))
      .flatMap((name) =>
        [...readFileSync(path.join(root, name), 'utf8').matchAll(/\bv\.t\('([^']+)'/g)]
          .map(([, key]) => key ?? '')
          .filter((key) => !english.has(key))
          .map((key) => `${name}: ${key}`),
      );
    expect(missing).toEqual([]);
  });
});

describe('the language of a page', () => {
  it.each([
    [undefined, undefined, 'en'],
    ['de', 'fr', 'de'],
    ['de-AT fr', 'ja', 'de'],
    ['xx-YY fr-CA', 'ja', 'fr'],
    ['tlh', 'es-419,es;q=0.9,en;q=0.8', 'es'],
    ['', 'en;q=0.1, ja', 'ja'],
    [undefined, 'de;q=0, fr;q=0.5', 'fr'],
    [undefined, '*', 'en'],
    [undefined, 'fr;q=nonsense, ar', 'ar'],
    ['../../etc/passwd', '__proto__, constructor', 'en'],
    ['DE', undefined, 'de'],
    ['d'.repeat(10_000), 'de,'.repeat(10_000), 'de'],
  ])('for ui_locales %j and Accept-Language %j is the right one', (uiLocales, acceptLanguage, locale) => {
    expect(words.choose({ uiLocales, acceptLanguage }).locale).toBe(locale);
  });

  it('is written from right to left where it should be', () => {
    expect(words.in('ar').direction).toBe('rtl');
    expect(words.in('ja').direction).toBe('ltr');
  });
});

describe('a sentence', () => {
  it('counts as its language counts', () => {
    const count = (n: number) => words.in('ar').t('shared.check_fields', { count: n });
    expect(new Set([1, 2, 3, 11, 100].map(count)).size).toBe(5);
    expect(words.in('en').t('shared.check_fields', { count: 1 })).toBe('1 field needs another look.');
  });

  it('may bring its values along', () => {
    const said = words.in('de').t({ key: 'form.code_digits', values: { digits: 6 } });
    expect(said).toBe('Der Code hat 6 Ziffern.');
  });

  it('leaves tags in values alone: escaping is the template’s', () => {
    expect(words.in('en').t('shared.signed_in_as', { who: '<b>{x}</b>' })).toBe('Signed in as <b>{x}</b>');
  });

  it('keeps a Latin name whole inside Arabic', () => {
    expect(words.in('ar').t('shared.signed_in_as', { who: 'Acme!' })).toContain('\u2068Acme!\u2069');
  });

  it('that no catalogue has is a mistake in the code, and said so', () => {
    expect(() => words.in('de').t('shared.nonsense')).toThrow(/shared\.nonsense/);
    expect(() => words.in('de').t('shared.signed_in_as', {})).toThrow(/who/);
  });
});

describe('a time', () => {
  const now = Date.UTC(2026, 10, 22, 12);

  it.each([
    ['en', 3 * 3_600_000, '3 hours ago'],
    ['de', 3 * 3_600_000, 'vor 3 Stunden'],
    ['en', 20_000, 'this minute'],
    ['en', 86_400_000, 'yesterday'],
    ['ja', 2 * 7 * 86_400_000, '2 週間前'],
    ['en', -2 * 3_600_000, 'in 2 hours'],
  ] as const)('in %s, %i ms ago, is %s', (locale, past, text) => {
    expect(words.in(locale).ago(now - past, now)).toBe(text);
  });

  it('says its zone', () => {
    expect(words.in('en').date(now)).toMatch(/Nov 22, 2026, 12:00\sPM UTC/);
  });
});
