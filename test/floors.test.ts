import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { problemsOf, readSources, roomOf, rooms, sizeProblems } from './support/house.ts';

const root = path.join(import.meta.dirname, '..');

describe('the house', () => {
  const files = readSources(root, ['src', 'interactions', 'clients', 'migrations']).filter(
    ({ file }) => !file.endsWith('.test.ts'),
  );

  it('stands upright: imports point down, and every file is in a room', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap(problemsOf)).toEqual([]);
  });

  it('has no long file, in the tests and scripts neither', () => {
    const others = readSources(root, ['test', 'scripts', 'bin']);
    expect(others.length).toBeGreaterThan(5);
    expect(others.flatMap(sizeProblems)).toEqual([]);
  });
});

describe('the rules of the house', () => {
  const planted = (file: string, text: string) => problemsOf({ file, text }).join('\n');

  it.each([
    ['up', 'src/accounts/x.ts', "import { f } from '../actions/f.ts';"],
    ['up', 'src/store/x.ts', "import type { App } from '../services.ts';"],
    ['up', 'src/oidc/x.ts', "type F = import('../actions/f.ts').F;"],
    ['up', 'src/web/x.ts', "await import('../accounts/f.ts');"],
    ['up', 'src/kit/x.ts', "export { f } from '../web/f.ts';\nexport const g = 1;"],
    ['sideways', 'src/accounts/x.ts', "import type { F } from '../credentials/f.ts';"],
    ['sideways', 'src/consents/x.ts', "import type { F } from '../../clients/registry/f.ts';"],
    ['sideways', 'interactions/account/x.ts', "import { f } from '../../src/operator/f.ts';"],
    ['sideways', 'clients/examples/x.ts', "import { f } from '../../src/kit/f.ts';"],
    ['no room', 'src/stray.ts', 'export const a = 1;'],
    ['no room', 'src/kit/x.ts', "import { f } from '../../test/support/f.ts';"],
    ['only src/oidc', 'src/actions/x.ts', "import { errors } from 'oidc-provider';"],
    ['only src/oidc', 'src/services.ts', "import { Provider } from 'oidc-provider';"],
    ['default export', 'src/kit/x.ts', 'export default 1;'],
    ['default export', 'src/kit/x.ts', 'const a = 1;\nexport { a as default };'],
    ['passes on', 'src/kit/x.ts', "export * from './secrets.ts';"],
    ['lines', 'src/kit/x.ts', 'void 0;\n'.repeat(301)],
    ['named for what', 'src/web/form-utils.ts', 'export const a = 1;'],
  ])('see %s in %s', (what, file, text) => {
    expect(planted(file, text)).toContain(what);
  });

  it.each([
    [
      'src/actions/x.ts',
      "import { f } from '../oidc/f.ts';\nimport { g } from '../../clients/registry/g.ts';",
    ],
    ['src/oidc/x.ts', "import { Provider } from 'oidc-provider';\nimport { f } from './adapter.ts';"],
    ['src/services.ts', "import type { Provider } from 'oidc-provider';\nimport { f } from './store/f.ts';"],
    ['src/main.ts', "import { openApp } from './app.ts';"],
  ])('see nothing wrong in a sound %s', (file, text) => {
    expect(planted(file, text)).toBe('');
  });

  it('know each room once', () => {
    expect(new Set(rooms.map(({ at }) => at)).size).toBe(rooms.length);
    expect(roomOf('src/kit/outcome.ts')?.floor).toBe(0);
  });
});
