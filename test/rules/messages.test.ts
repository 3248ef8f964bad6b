import { describe, expect, it } from '@jest/globals';
import { IntlMessageFormat } from 'intl-messageformat';
import { composeEmail, composeSms, messagesDir } from '../../src/mail/compose.ts';
import { type TemplateName, type Told, templateOf, templates } from '../../src/mail/templates.ts';
import { readSettings } from '../../src/settings.ts';
import { locales, readCatalogue } from '../../src/web/words.ts';
import { testClock } from '../support/stores.ts';

const settings = readSettings({
  ISSUER: 'https://id.example.com',
  SMTP_URL: 'smtp://mail.example.com',
  BRAND_NAME: 'Acme',
});
const context = { settings, clock: testClock(Date.UTC(2026, 10, 22, 9, 30)) };
const names = Object.keys(templates) as TemplateName[];
/** A mailbox is no second step: its code never goes there. */
const mailed = names.filter((name) => templateOf(name).only !== 'sms');

/** What each template is told, with values that are recognised again. */
function told(template: TemplateName): Told {
  return {
    template,
    values: {
      code: '314159',
      app: 'Photo Book',
      browser: 'Firefox, Linux',
      left: '7',
      passkey: 'Blue key',
      region: 'Norway',
      site: 'id.example.no',
    },
  } as unknown as Told;
}

describe('the message catalogues', () => {
  const english = readCatalogue([messagesDir], 'en');

  it.each(locales)('in %s have the messages of the English ones, with the same placeholders', (locale) => {
    const catalogue = readCatalogue([messagesDir], locale);
    expect([...catalogue.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of catalogue)
      expect([key, placeholders(text)]).toEqual([key, placeholders(english.get(key) ?? '')]);
  });

  it.each(locales)('in %s say something of their own', (locale) => {
    if (locale === 'en') return;
    for (const [key, text] of readCatalogue([messagesDir], locale)) expect(text).not.toBe(english.get(key));
  });

  it('have nothing that no template says', () => {
    const said = names.flatMap((name) => [...(mailed.includes(name) ? mailOf(name) : []), `sms.${name}`]);
    const common = ['mail.greeting', 'mail.code_note', 'mail.not_you', 'mail.footer'];
    expect([...english.keys()].sort()).toEqual([...said, ...common].sort());
  });

  function mailOf(name: TemplateName): string[] {
    const after = templateOf(name).after === 'own' ? [`mail.${name}.after`] : [];
    return [`mail.${name}.subject`, `mail.${name}.body`, ...after];
  }

  function placeholders(text: string): string[] {
    const ast = new IntlMessageFormat(text, 'en', undefined, { ignoreTag: true }).getAst();
    const found = ast.flatMap((part) => ('value' in part && part.type !== 0 ? [String(part.value)] : []));
    return [...new Set(found)].sort();
  }
});

describe.each(locales)('an e-mail in %s', (locale) => {
  it.each(mailed)('%s says all it has to, as text and as HTML', (name) => {
    const { subject, text, html = '', links, codes } = composeEmail(context, told(name), locale);
    const { code, path } = templateOf(name);
    expect(subject).toContain('Acme');
    expect(subject).not.toMatch(/314159|[\r\n]/);
    expect(codes).toEqual(code ? ['314159'] : []);
    expect(links).toEqual(path ? [`https://id.example.com${path}`] : []);
    // Each on a line of its own, so that it can be read, heard and copied.
    for (const own of [...codes, ...links]) expect(text.split('\n')).toContain(own);
    for (const own of [...codes, ...links]) expect(html).toContain(`>${own}<`);
    expect(`${subject}${text}${html}`).not.toMatch(/undefined|\{|\[object/);
    expect(html).toContain(`<html lang="${locale}" dir="${locale === 'ar' ? 'rtl' : 'ltr'}">`);
    // Nothing is fetched when it is opened, and nobody learns that it was.
    expect(html).not.toMatch(/<img|<link|<script|url\(|src=/);
    expect([...html.matchAll(/https?:[^"<\s]*/g)].map(([found]) => new URL(found).origin)).toEqual(
      links.flatMap(() => ['https://id.example.com', 'https://id.example.com']),
    );
  });
});

describe('a code for the second step', () => {
  it('never goes by e-mail', () => {
    const told = { template: 'second_step_code', values: { code: '314159' } } as const;
    expect(() => composeEmail(context, told, 'en')).toThrow('does not go by e-mail');
  });
});

describe('names that other people chose', () => {
  const app = `<img src=x onerror=alert(1)>{{7*7}}{brand}\r\nBcc: eve@example.com\u202e${'x'.repeat(10_000)}`;
  const message = composeEmail(context, { template: 'app_connected', values: { app } }, 'en');

  it('are escaped in HTML, stay on one line, are cut, and are no template', () => {
    expect(message.html).toContain('&lt;img src=x onerror=alert(1)&gt;{{7*7}}{brand}');
    expect(message.html).not.toContain('<img');
    expect(message.text).not.toMatch(/^Bcc:/m);
    expect(message.text).not.toContain('\u202e');
    expect(message.text.length).toBeLessThan(700);
  });

  it('do not get into the subject', () => {
    expect(message.subject).not.toContain('img');
  });
});

describe('a text message', () => {
  it.each(locales)('with a code ends with the line that binds it to our host, in %s', (locale) => {
    const { text, codes, subject } = composeSms(context, told('sign_up_code'), locale);
    expect(text.split('\n').at(-1)).toBe('@id.example.com #314159');
    expect(codes).toEqual(['314159']);
    expect(subject).toBe('');
  });

  it('names the host without its port', () => {
    const local = { ...context, settings: readSettings({}) };
    expect(composeSms(local, told('reset_code'), 'en').text).toMatch(/\n@localhost #314159$/);
  });

  it('of another kind ends with a link to our own pages', () => {
    expect(composeSms(context, { template: 'password_changed' }, 'ar').text.split('\n').at(-1)).toBe(
      'https://id.example.com/account',
    );
  });

  it.each(locales)('is short in %s', (locale) => {
    // Two parts of 67 characters where the letters need UCS-2, two of 153 elsewhere (3GPP TS 23.040).
    const most = ['ja', 'ar'].includes(locale) ? 3 * 67 : 2 * 153;
    for (const name of names)
      expect(composeSms(context, told(name), locale).text.length).toBeLessThanOrEqual(most);
  });
});
