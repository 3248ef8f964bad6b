import { HtmlPage } from '../../support/html.ts';
import type { Answer } from '../../support/wire.ts';

/**
 * What every answer must be, whatever was sent: no 5xx, no stack, nothing of what was sent written back as it is, the
 * headers of a careful page, and something a program can go by. Answers what is wrong, so that a sweep can tell all of
 * it at once.
 */
export function faultsOf(answer: Answer, { sent = [] }: { sent?: readonly string[] } = {}): string[] {
  const { status, headers, text } = answer;
  const faults: string[] = [];
  if (status >= 500) faults.push(`status ${status}`);
  if (status === 307 || status === 308) faults.push(`a redirect that repeats the body: ${status}`);
  for (const name of ['x-content-type-options', 'referrer-policy', 'content-security-policy'])
    if (headers[name] === undefined) faults.push(`no ${name}`);
  if (headers['cache-control'] !== 'no-store' && !isPublic(headers['cache-control']))
    faults.push(`cache-control: ${headers['cache-control']}`);
  for (const name of ['server', 'x-powered-by', 'via'])
    if (headers[name] !== undefined) faults.push(`${name}: ${headers[name]}`);
  if (/node_modules|\n\s+at |\.[jt]s:\d+/.test(text)) faults.push('a stack');
  for (const raw of sent) if (text.includes(raw)) faults.push(`what was sent came back: ${raw}`);
  return [...faults, ...faultsOfBody(answer)];
}

function isPublic(cacheControl: string | undefined): boolean {
  return /^public, max-age=\d+(, immutable)?$/.test(cacheControl ?? '');
}

function faultsOfBody({ status, headers, text, json }: Answer): string[] {
  if (text === '') return status >= 400 ? ['an error without a word'] : [];
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/json')) {
    const named = typeof json['error'] === 'string' && /^[a-z_]+$/.test(json['error']);
    return status >= 400 && !named ? [`JSON without an error: ${text.slice(0, 80)}`] : [];
  }
  if (!type.startsWith('text/html; charset=utf-8')) return status < 300 ? [] : [`an error of type ${type}`];
  const page = new HtmlPage(text);
  if (status >= 300 && status < 400) return [];
  const faults = page.textsOf('h1').length === 1 ? [] : ['not one h1'];
  const code = page.attribute('meta', { name: 'latchkey-error' }, 'content');
  const again = page.forms.some(({ method }) => method === 'post');
  if (status >= 400 && !code && !again) faults.push('an error page without its code');
  return faults;
}

/** What a page says the same of: which page it is, or which error. */
export function gist({ status, text, json, headers }: Answer): string {
  if (!headers['content-type']?.startsWith('text/html')) return `${status} ${json['error'] ?? ''}`.trim();
  const page = new HtmlPage(text);
  const code = page.attribute('meta', { name: 'latchkey-error' }, 'content');
  return `${status} ${code ?? page.textOf('h1') ?? ''}`;
}
