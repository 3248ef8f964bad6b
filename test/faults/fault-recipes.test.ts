import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { testFolder } from '../support/stores.ts';

/**
 * `npm run faults`, in its shortest form, so that the command stays whole: it starts servers of its own with startRedis()
 * and startPostgres(), and the nginx of TEST_NGINX. How fast anything is, is not asked here.
 */
type Finding = { invariant: string; what: string; times: number; examples: string[] };
type Result = { name: string; proof: string[]; requests: number; findings: Finding[]; voided: string[] };

describe('the command that breaks things', () => {
  const folder = testFolder();
  afterAll(() => folder.remove());

  async function breakThings(...names: string[]): Promise<Result[]> {
    const file = path.join(folder.path, `${names}.json`);
    const how = ['--only', names.join(), '--minutes', '0.1', '--rate', '10', '--json', file];
    // PostgreSQL runs as another user, where this is root.
    chmodSync(folder.path, 0o755);
    const child = spawn(process.execPath, [path.resolve('scripts/faults.ts'), ...how], {
      env: { ...process.env, TMPDIR: folder.path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (text) => {
      complaint += text;
    });
    await once(child, 'exit');
    if (complaint) throw new Error(complaint);
    return JSON.parse(readFileSync(file, 'utf8'));
  }
  // What is late is late because of the machine; what is lost is lost.
  const lost = ({ findings }: Result) =>
    findings.filter(({ invariant }) => ['I1', 'I2', 'I3', 'I4', 'I5', 'I6'].includes(invariant));

  it('finds nothing lost when Redis kept a log, and a great deal when it did not', async () => {
    const [kept, forgotten] = await breakThings('F1', 'F1-unsafe');
    expect(kept?.proof).toEqual([expect.stringMatching(/^Redis \d+ ended and came back as \d+/)]);
    expect(kept?.requests).toBeGreaterThan(80);
    expect(kept && lost(kept)).toEqual([]);
    expect(forgotten && lost(forgotten).reduce((sum, { times }) => sum + times, 0)).toBeGreaterThan(5);
    // It cleans up after itself.
    expect(readdirSync(folder.path)).toEqual(['F1,F1-unsafe.json']);
  }, 240_000);
});
