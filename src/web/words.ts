import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';

/**
 * The words on pages. Catalogues are `<dir>/<locale>/<topic>.json`, ICU MessageFormat by key, each key beginning with
 * its topic: `sign-in.title` is in sign-in.json. English is complete; another language falls back to it key by key.
 * The language is asked of the request each time (ui_locales, then Accept-Language): no cookie is kept for it.
 */

export const locales = ['en', 'de', 'es', 'fr', 'ja', 'ar'] as const;
export type Locale = (typeof locales)[number];

/** A catalogue's key; keys and their placeholders are checked by test/rules/words.test.ts. */
export type MessageKey = string;
export type MessageValues = Record<string, string | number>;
/** A message to be said later: its key, or its key and what stands in its placeholders. */
export type Sentence = MessageKey | { key: MessageKey; values: MessageValues };

export type Translator = {
  locale: Locale;
  direction: 'ltr' | 'rtl';
  /** Plain text, to be escaped where it is shown. Throws for a key that English does not have. */
  t(sentence: Sentence, values?: MessageValues): string;
  /** The day and the minute, in UTC, as the locale writes it. */
  date(ms: number): string;
  /** `3 hours ago`, from the given now. */
  ago(ms: number, nowMs?: number): string;
};

export type Words = {
  choose(wish: { uiLocales?: string | undefined; acceptLanguage?: string | undefined }): Translator;
  in(locale: Locale): Translator;
};

export function openWords(dirs: readonly string[]): Words {
  const catalogues = new Map(locales.map((locale) => [locale, readCatalogue(dirs, locale)]));
  const english = catalogues.get('en') ?? new Map<string, string>();
  const translators = new Map(
    locales.map((locale) => [locale, openTranslator(locale, catalogues.get(locale) ?? english, english)]),
  );
  const translator = (locale: Locale) => translators.get(locale) as Translator;
  return {
    in: translator,
    choose: ({ uiLocales, acceptLanguage }) =>
      translator(lookUp(uiLocales?.split(' ') ?? []) ?? lookUp(languageRanges(acceptLanguage ?? '')) ?? 'en'),
  };
}

/** Every message of a locale by its key. Exported for the test that compares the catalogues. */
export function readCatalogue(dirs: readonly string[], locale: Locale): Map<string, string> {
  const messages = new Map<string, string>();
  for (const dir of dirs)
    for (const file of readdirSync(path.join(dir, locale)).filter((name) => name.endsWith('.json')))
      for (const [key, text] of Object.entries(readTopic(path.join(dir, locale, file)))) {
        if (!key.startsWith(`${path.basename(file, '.json')}.`))
          throw new Error(`${locale}/${file}: the key ${key} does not begin with its topic`);
        messages.set(key, text);
      }
  return messages;
}

function readTopic(file: string): Record<string, string> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
}

/** RFC 4647 section 3.4, lookup: each wish in turn, made shorter until one fits. Wishes are cut, they are anyone's text. */
function lookUp(wishes: readonly string[]): Locale | undefined {
  for (const wish of wishes.slice(0, 20)) {
    const [language] = wish.slice(0, 35).toLowerCase().split('-');
    const found = locales.find((locale) => locale === language);
    if (found) return found;
  }
  return undefined;
}

/** The ranges of an Accept-Language header, most wanted first (RFC 9110 section 12.5.4); `q=0` is "not this one". */
function languageRanges(header: string): string[] {
  return header
    .slice(0, 500)
    .split(',')
    .map((item) => {
      const [range = '', ...parameters] = item.split(';').map((part) => part.trim());
      const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { range, weight: q === undefined ? 1 : Number(q) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ range }) => range);
}

function openTranslator(
  locale: Locale,
  catalogue: ReadonlyMap<string, string>,
  english: ReadonlyMap<string, string>,
): Translator {
  const direction = locale === 'ar' ? 'rtl' : 'ltr';
  const parsed = new Map<string, IntlMessageFormat>();
  const dates = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

  // Parsed on first use and kept: most runs of the command line never say most of this.
  function message(key: string): IntlMessageFormat {
    const known = parsed.get(key);
    if (known) return known;
    const own = catalogue.get(key);
    const text = own ?? english.get(key);
    if (text === undefined) throw new Error(`no catalogue has the message ${key}`);
    const made = new IntlMessageFormat(text, own === undefined ? 'en' : locale, undefined, {
      ignoreTag: true,
    });
    parsed.set(key, made);
    return made;
  }

  return {
    locale,
    direction,
    t(sentence, values = {}) {
      const said = typeof sentence === 'string' ? { key: sentence, values } : sentence;
      const format = message(said.key);
      return String(format.format(direction === 'rtl' ? isolated(said.values, format) : said.values));
    },
    date: (ms) => `${dates.format(ms)} UTC`,
    ago: (ms, nowMs = Date.now()) => ago(relative, ms - nowMs),
  };
}

/** A Latin name inside an Arabic sentence would pull the punctuation around it to the wrong side (UAX 9, FSI and PDI). */
function isolated(values: MessageValues, format: IntlMessageFormat): MessageValues {
  // A value that selects a branch must stay the word that the branches are named by.
  const selects = JSON.stringify(format.getAst());
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' && !selects.includes(`"type":5,"value":${JSON.stringify(name)}`)
        ? `\u2068${value}\u2069`
        : value,
    ]),
  );
}

const units = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

function ago(relative: Intl.RelativeTimeFormat, difference: number): string {
  for (const [unit, ms] of units)
    if (Math.abs(difference) >= ms) return relative.format(Math.trunc(difference / ms), unit);
  return relative.format(0, 'minute');
}
