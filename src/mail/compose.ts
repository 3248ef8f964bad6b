import path from 'node:path';
import { minutes } from '../kit/durations.ts';
import { escapeHtml } from '../kit/escape-html.ts';
import { printable } from '../kit/printable.ts';
import type { Services } from '../services.ts';
import type { Locale, Translator } from '../web/words.ts';
import { openWords } from '../web/words.ts';
import { codeLifetime, type Told, templateOf } from './templates.ts';

/** What a message says, before it is known how it leaves. `links` and `codes` are what was put in, not what was found. */
export type Composed = { subject: string; text: string; html?: string; links: string[]; codes: string[] };

/** What stands sealed in a row of messages; after `until` (epoch ms) it is no use to anybody. */
export type MessageBody = Composed & { to: string; until: number };

export const messagesDir = path.join(import.meta.dirname, 'messages');
const words = openWords([messagesDir]);

type Context = Pick<Services, 'settings' | 'clock'>;

/** An e-mail: plain text, and the same as simple HTML that fetches nothing. The code is in the text, never in the subject. */
export function composeEmail(
  { settings, clock }: Context,
  told: Told,
  locale: Locale,
  path?: string,
): Composed {
  const { template } = told;
  const { after, only } = templateOf(template);
  if (only === 'sms') throw new Error(`${template} does not go by e-mail`);
  const { links, codes } = carried({ settings }, told, path);
  const translator = words.in(locale);
  const values = valuesOf({ settings, clock }, translator, told);
  const say = (key: string) => translator.t(`mail.${key}`, values);
  const parts: Part[] = [
    { kind: 'words', text: say('greeting') },
    { kind: 'words', text: say(`${template}.body`) },
    ...codes.map((text): Part => ({ kind: 'code', text })),
    ...(codes.length > 0 ? [{ kind: 'words', text: say('code_note') } as const] : []),
    { kind: 'words', text: say(after === 'own' ? `${template}.after` : after) },
    ...links.map((text): Part => ({ kind: 'link', text })),
    { kind: 'words', text: `${settings.BRAND_NAME}\n${say('footer')}` },
  ];
  return {
    subject: say(`${template}.subject`).slice(0, 200),
    text: `${parts.map(({ text }) => text).join('\n\n')}\n`,
    html: toHtml(translator, parts),
    links,
    codes,
  };
}

/**
 * A text message: one sentence, then the link or the code on a line of its own. The last line of a code binds it to our
 * host, so that browsers offer it there and nowhere else (WebOTP, https://wicg.github.io/sms-one-time-codes).
 */
export function composeSms(
  { settings, clock }: Context,
  told: Told,
  locale: Locale,
  path?: string,
): Composed {
  const { links, codes } = carried({ settings }, told, path);
  const translator = words.in(locale);
  const sentence = translator.t(`sms.${told.template}`, valuesOf({ settings, clock }, translator, told));
  const host = new URL(settings.issuer.origin).hostname;
  const lines = [sentence, ...links, ...codes.map((code) => `\n@${host} #${code}`)];
  return { subject: '', text: lines.join('\n'), links, codes };
}

function carried(
  { settings }: Pick<Services, 'settings'>,
  { template, values }: Told,
  path: string | undefined,
) {
  const { path: usual, code } = templateOf(template);
  const page = path ?? usual;
  return {
    links: page === undefined ? [] : [`${settings.issuer.origin}${page}`],
    codes: code && values && 'code' in values ? [values.code] : [],
  };
}

function valuesOf({ settings, clock }: Context, translator: Translator, { values }: Told) {
  // Names of apps and browsers are other people's text: one line, not longer than a name.
  const told = Object.entries(values ?? {}).map(([name, value]) => [name, printable(value, 60)]);
  return {
    ...Object.fromEntries(told),
    brand: settings.BRAND_NAME,
    when: translator.date(clock.now()),
    minutes: codeLifetime / minutes,
  };
}

type Part = { kind: 'words' | 'code' | 'link'; text: string };

const styles = {
  body: 'margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1b1f24;background:#ffffff',
  main: 'max-width:34em;margin:0 auto',
  code: 'font:700 28px/1.4 ui-monospace,monospace;letter-spacing:4px',
};

function toHtml({ locale, direction }: Translator, parts: readonly Part[]): string {
  const body = parts.map(toParagraph).join('\n');
  return `<!doctype html>
<html lang="${locale}" dir="${direction}">
<head><meta charset="utf-8"><meta name="color-scheme" content="light"></head>
<body style="${styles.body}">
<div style="${styles.main}">
${body}
</div>
</body>
</html>
`;
}

function toParagraph({ kind, text }: Part): string {
  const escaped = escapeHtml(text);
  if (kind === 'code') return `<p dir="ltr" style="${styles.code}">${escaped}</p>`;
  if (kind === 'link') return `<p dir="ltr"><a href="${escaped}">${escaped}</a></p>`;
  return `<p>${escaped.replaceAll('\n', '<br>')}</p>`;
}
