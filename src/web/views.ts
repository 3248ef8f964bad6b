import { readFileSync } from 'node:fs';
import path from 'node:path';
import ejs from 'ejs';
import { escapeHtml } from '../kit/escape-html.ts';

/**
 * Templates: EJS, compiled once, in strict mode, with one variable `v`. What a template reads must have been given:
 * a misspelt member, or one that a page forgot, is an error and not an empty place on a page. `<%=` escapes, and refuses
 * to write null or undefined.
 */
export type Template = (members: object) => string;

const compiled = new Map<string, Template>();

/** `file` is absolute and ours; no name or option of a template is ever taken from a request (CVE-2022-29078). */
export function templateOf(file: string): Template {
  const known = compiled.get(file);
  if (known) return known;
  const name = path.basename(file);
  const render = ejs.compile(readFileSync(file, 'utf8'), {
    client: false,
    strict: true,
    _with: false,
    localsName: 'v',
    escape: escapeWritten,
    // A template has parts (`v.part`), which are as strict as it is; EJS's own include would copy the members out.
    includer: () => {
      throw new Error('templates use v.part');
    },
  });
  const template: Template = (members) => {
    try {
      return render(strictView(name, members)).trim();
    } catch (cause) {
      throw new Error(`the template ${name} failed: ${(cause as Error).message}`, { cause });
    }
  };
  compiled.set(file, template);
  return template;
}

function strictView(template: string, members: object): object {
  const given = Object.assign(Object.create(null) as Record<string, unknown>, members);
  given['maybe'] = (name: string) => given[name];
  return new Proxy(given, {
    get(_, name) {
      if (typeof name === 'symbol') return undefined;
      if (name in given) return given[name];
      throw new Error(`${template} reads v.${name}, which it was not given`);
    },
    set() {
      throw new Error(`${template} may not change what it was given`);
    },
  });
}

function escapeWritten(value?: unknown): string {
  if (value === undefined || value === null) throw new Error('it writes a value that is not there');
  return escapeHtml(String(value));
}
