import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readSettings, SettingsProblem } from '../../src/settings.ts';
import { testFolder } from '../support/stores.ts';

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readSettings(environment);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsProblem)) throw error;
    return error.problems;
  }
}

describe('the settings', () => {
  let folder: ReturnType<typeof testFolder>;
  beforeAll(() => {
    folder = testFolder();
  });
  afterAll(() => folder.remove());

  it.each([
    [{ WORKERS: '0' }, 'WORKERS: must be at least 1'],
    [{ PORT: '80000' }, 'PORT: must be at most 65535'],
    [{ DEMO: 'yes' }, 'DEMO: must be on or off'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: must be debug or info or warn or error or silent'],
    [{ BRAND_NAME: 'x'.repeat(41) }, 'BRAND_NAME: must be at most 40 characters'],
    [{ DEFAULT_PHONE_REGION: 'Germany' }, 'DEFAULT_PHONE_REGION: must be a country code like DE'],
    [
      { TRUSTED_PROXIES: '10.0.0.1,10.0.0.0/99' },
      'TRUSTED_PROXIES: 10.0.0.0/99 is not an address or a CIDR range',
    ],
    [
      { REDIS_WAIT_MS: '600', STORE_TIMEOUT_MS: '1000' },
      'REDIS_WAIT_MS: must not exceed half of STORE_TIMEOUT_MS',
    ],
    [{ PORT: '3100', METRICS_PORT: '3100' }, 'METRICS_PORT: must not be the same as PORT'],
  ])('say in plain words what is wrong with %j', (environment, problem) => {
    expect(problemsOf(environment as Record<string, string>)).toEqual([problem]);
  });

  it('look at the logo file before anybody asks for it', () => {
    const file = (name: string, size: number) => {
      writeFileSync(join(folder.path, name), Buffer.alloc(size));
      return join(folder.path, name);
    };
    mkdirSync(join(folder.path, 'folder.svg'));
    const absent = join(folder.path, 'absent.svg');
    expect(problemsOf({ BRAND_LOGO: absent })).toEqual([`BRAND_LOGO: there is no file ${absent}`]);
    expect(problemsOf({ BRAND_LOGO: join(folder.path, 'folder.svg') })[0]).toContain('there is no file');
    expect(problemsOf({ BRAND_LOGO: file('big.png', 20_001) })[0]).toContain('larger than 20 kB');
    expect(problemsOf({ BRAND_LOGO: file('logo.gif', 10) })[0]).toContain('must be an SVG or a PNG');
    expect(problemsOf({ BRAND_LOGO: file('logo.svg', 10) })).toEqual([]);
  });

  it('tell what is wrong and what does not go together in one round', () => {
    const problems = problemsOf({ BRAND_ACCENT: 'blue', WORKERS: '2', DATABASE_URL: 'postgres://records/x' });
    expect(problems).toEqual([
      'BRAND_ACCENT: must be a colour like #3b5bdb',
      'SECRETS_KEY: is required with DATABASE_URL',
      'COOKIE_KEYS: is required with DATABASE_URL',
      'WORKERS: more than 1 needs DATABASE_URL and REDIS_URL',
    ]);
  });

  it('blame nothing on a setting that could not be read', () => {
    const problems = problemsOf({
      WORKERS: '2',
      DATABASE_URL: 'mysql://records/x',
      REDIS_URL: 'redis://live',
    });
    expect(problems).toEqual([
      'DATABASE_URL: must be an address that begins with postgres:// or postgresql://',
    ]);
  });

  it.each([
    [{}, 'http://localhost:3000'],
    [{ PORT: '3100' }, 'http://localhost:3100'],
    [{ PORT: '80' }, 'http://localhost'],
    [{ PORT: '0' }, 'http://localhost:3000'],
    [{ PORT: '3100', ISSUER: 'http://localhost:3000' }, 'http://localhost:3000'],
  ])('of %j mean the issuer %s', (environment, issuer) => {
    expect(readSettings(environment).issuer.origin).toBe(issuer);
  });
});
