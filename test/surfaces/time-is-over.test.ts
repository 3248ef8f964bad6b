import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countTests } from '../../scripts/second-try.ts';
import { testFolder } from '../support/stores.ts';

/** What a run does with the files that it has no time for (scripts/test.mjs): they are skipped, told and counted. */
describe('a run of the tests', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const file = path.join(root, 'test/rules/lines.test.ts');
  let folder: ReturnType<typeof testFolder>;
  beforeAll(() => {
    folder = testFolder();
  });
  afterAll(() => folder.remove());

  async function runs({ over }: { over: boolean }) {
    const place = (name: string) => path.join(folder.path, `${over}-${name}`);
    if (over) writeFileSync(place('over'), '');
    await promisify(execFile)(
      process.execPath,
      [
        path.join(root, 'node_modules/jest/bin/jest.js'),
        '--json',
        `--outputFile=${place('report')}`,
        '--runTestsByPath',
        file,
      ],
      { cwd: root, env: { ...process.env, TEST_OVER: place('over') } },
    );
    return {
      counts: countTests(JSON.parse(readFileSync(place('report'), 'utf8'))),
      notBegun: existsSync(place('over')) ? readFileSync(place('over'), 'utf8') : undefined,
    };
  }

  it('begins every file while there is time', async () => {
    expect(await runs({ over: false })).toMatchObject({
      counts: { failed: 0, skipped: 0 },
      notBegun: undefined,
    });
  });

  it('counts what it did not begin as skipped, and names it', async () => {
    expect(await runs({ over: true })).toEqual({
      counts: { passed: 0, failed: 0, skipped: 1 },
      notBegun: `${file}\n`,
    });
  });
});
