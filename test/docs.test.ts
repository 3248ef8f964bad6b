import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventKinds } from '../src/audit/catalogue.ts';
import { type Command, flagName } from '../src/operator/command.ts';
import { commands, nameOf } from '../src/operator/commands.ts';
import { settingsSchema } from '../src/settings/schema.ts';
import { openMetrics } from '../src/web/metrics.ts';

/** Documents rot in their names: of files, commands, settings. What they name must exist; what they say is for readers. */
const root = path.join(import.meta.dirname, '..');
const printed = 'docs/manual/';

// Not what other tests write to meanwhile.
const notOurs = ['node_modules', 'data', '.git'];
const documents = readdirSync(root, { withFileTypes: true })
  .filter(({ name }) => !notOurs.includes(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(path.join(root, entry.name), { recursive: true, encoding: 'utf8' }).map(
          (file) => `${entry.name}/${file.replaceAll(path.sep, '/')}`,
        )
      : [entry.name],
  )
  .filter((file) => file.endsWith('.md') && !/\/(node_modules|data)\//.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));
const written = documents.filter(({ file }) => !file.startsWith(printed));

/** What stands in backticks, in a line or in a block of its own. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.replaceAll('\\\n', ' ').split('\n'),
  );
  const inline = text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g);
  return [...blocks, ...[...inline].map(([, code = '']) => code)];
}

const spans = written.flatMap(({ file, text }) => codeOf(text).map((code) => ({ file, code })));

describe('the documents', () => {
  it('link to what is there', () => {
    const broken = documents.flatMap(({ file, text }) =>
      linksOf(text)
        .filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(file, link))
        .map((link) => `${file}: ${link}`),
    );
    expect(documents.length).toBeGreaterThan(20);
    expect(broken).toEqual([]);
  });

  it('are all on the map', () => {
    const linked = new Set(
      documents.flatMap(({ file, text }) =>
        linksOf(text).map((link) => path.posix.join(path.posix.dirname(file), link.split('#')[0] ?? '')),
      ),
    );
    const lost = documents
      .map(({ file }) => file)
      .filter((file) => file !== 'README.md' && !linked.has(file));
    expect(lost).toEqual([]);
  });

  it('in docs all stand in its own list, decisions and manuals too', () => {
    const list = documents.find(({ file }) => file === 'docs/README.md')?.text ?? '';
    const linked = new Set(linksOf(list).map((link) => path.posix.join('docs', link)));
    const inDocs = documents.map(({ file }) => file).filter((file) => file.startsWith('docs/'));
    expect(inDocs.filter((file) => file !== 'docs/README.md' && !linked.has(file))).toEqual([]);
  });

  it('name commands and flags that the command line has', () => {
    const wrong = spans.flatMap(({ file, code }) => commandProblems(code).map((said) => `${file}: ${said}`));
    expect(wrong).toEqual([]);
    expect(spans.filter(({ code }) => /\blatchkey [a-z]/.test(code)).length).toBeGreaterThan(15);
  });

  it('name settings that exist', () => {
    const named = spans.flatMap(({ file, code }) =>
      [...code.matchAll(/(?<![\w./-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|ISSUER|PORT|HOST|WORKERS|DEMO)\b/g)].map(
        ([, name = '']) => ({ file, name }),
      ),
    );
    const unknown = named.filter(({ name }) => !Object.hasOwn(settingsSchema.shape, name));
    expect(unknown).toEqual([]);
    expect(named.length).toBeGreaterThan(30);
  });

  it('name files, scripts, metrics and events that exist', () => {
    const scripts = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).scripts as object;
    const metrics = openMetrics()
      .registry.getMetricsAsArray()
      .map(({ name }) => name);
    const wrong = spans.flatMap(({ file, code }) => [
      ...[...code.matchAll(sourcePath)].flatMap(([name]) => (isThere(name) ? [] : [`${file}: ${name}`])),
      ...[...code.matchAll(/npm run ([\w:-]+)/g)].flatMap(([said, name = '']) =>
        Object.hasOwn(scripts, name) ? [] : [`${file}: ${said}`],
      ),
      ...(/^latchkey_\w+$/.test(code) && !metrics.includes(code) ? [`${file}: ${code}`] : []),
      ...(/^[a-z_]+\.[a-z]+_[a-z_]+$/.test(code) && !Object.hasOwn(eventKinds, code)
        ? [`${file}: ${code}`]
        : []),
    ]);
    expect(wrong).toEqual([]);
  });

  it('name no machine of ours', () => {
    const paths = documents.filter(({ text }) => /(^|[\s`"'(])\/(work|root|tmp|home)\//m.test(text));
    expect(paths.map(({ file }) => file)).toEqual([]);
  });
});

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
}

function leadsSomewhere(file: string, link: string): boolean {
  const [target = '', heading] = link.split('#');
  const full = target === '' ? path.join(root, file) : path.join(root, path.dirname(file), target);
  if (!existsSync(full)) return false;
  return heading === undefined || headingsOf(readFileSync(full, 'utf8')).includes(heading);
}

/** As code hosts make anchors of headings. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const sourcePath = /(?<![\w/.])(src|test|docs|scripts|interactions|clients|migrations|bin)\/[\w./-]*\w/g;

/** A name with a hole in it (`<page>.ts`, `NNNN-subject.ts`) is a pattern: the folder before the hole must be there. */
function isThere(name: string): boolean {
  return name.includes('NNNN') || existsSync(path.join(root, name));
}

/** `latchkey keys rotate --at-once`, and in prose also `keys rotate --at-once`. */
function commandProblems(code: string): string[] {
  const nouns = [...new Set(commands.filter(({ verb }) => verb).map(({ noun }) => noun))];
  const [, rest] = /\blatchkey ([a-z<].*)$/.exec(code) ?? /^(.*)$/.exec(code) ?? [];
  const words = (rest ?? '').split(/\s+/);
  const [noun = '', verb = ''] = words;
  const full = /\blatchkey [a-z<]/.test(code);
  if (!full && !(nouns.includes(noun) && /^[a-z-]+$/.test(verb))) return [];
  if (noun.startsWith('<')) return [];
  const known = commands.find((one) => nameOf(one) === noun || nameOf(one) === `${noun} ${verb}`);
  if (!known) return [`there is no command ${noun} ${verb}`];
  return words
    .filter((word) => /^--[a-z]/.test(word))
    .filter((flag) => !flagsOf(known).includes(flag))
    .map((flag) => `${nameOf(known)} has no ${flag}`);
}

function flagsOf(known: Command): string[] {
  const names = [...Object.keys(known.flags.shape), ...Object.keys(known.aliases)];
  return ['--json', '--help', ...names.map(flagName)];
}
