import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** What a process of its own writes to its log, since that goes to the standard output past everything. */
function logged(statement: string): Record<string, unknown> {
  const file = path.resolve('src/web/log.ts');
  const program = `import { describeError, openLog } from ${JSON.stringify(file)}; const log = openLog({ level: 'info' }); ${statement}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('the log', () => {
  it('says which error of the system it was', () => {
    const line = logged(`
      const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      log.warn({ error: describeError(new Error('no store', { cause })) }, 'a store is down');`);
    expect(line['error']).toMatchObject({ message: 'no store', cause: { errorCode: 'ECONNREFUSED' } });
  });

  it('blacks out what carries a secret, at any depth', () => {
    const line = logged(`log.info({ code: 'a', deep: { er: { token: 'b', said: 'c' } } }, 'x');`);
    expect(line).toMatchObject({ code: '[redacted]', deep: { er: { token: '[redacted]', said: 'c' } } });
  });
});
