import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { testFolder } from '../support/stores.ts';

const rightNode = path.resolve(import.meta.dirname, '../../scripts/right-node.mjs');

/** A command under a Node that says it is too old, which the project's own runs instead. */
describe('a command under an old Node', () => {
  const folder = testFolder();
  afterAll(() => folder.remove());

  function startOld(work: string) {
    const [old, script] = ['old.mjs', 'script.mjs'].map((name) => path.join(folder.path, name)) as [
      string,
      string,
    ];
    const versions = "{ value: { ...process.versions, node: '20.1.0' } }";
    writeFileSync(
      old,
      `if (!process.env.LATCHKEY_NODE_TRIED) Object.defineProperty(process, 'versions', ${versions});`,
    );
    writeFileSync(
      script,
      `const { needRightNode } = await import(${JSON.stringify(rightNode)});\nawait needRightNode();\n${work}`,
    );
    const { LATCHKEY_NODE_TRIED: _, ...env } = process.env;
    return spawn(process.execPath, ['--import', old, script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  }

  it('ends with the status of what it runs', async () => {
    expect(await once(startOld('process.exit(3);'), 'exit')).toEqual([3, null]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'passes %s on, and ends by it as what it runs does',
    async (signal) => {
      const command = startOld('console.log(process.pid);\nsetInterval(() => {}, 1000);');
      const [said] = await once(command.stdout, 'data');
      command.kill(signal);
      expect(await once(command, 'exit')).toEqual([null, signal]);
      expect(() => process.kill(Number(said), 0)).toThrow('ESRCH');
    },
  );

  it('ends as what it runs chooses to at a signal', async () => {
    const command = startOld(
      "process.on('SIGTERM', () => process.exit(0));\nconsole.log('up');\nsetInterval(() => {}, 1000);",
    );
    await once(command.stdout, 'data');
    command.kill('SIGTERM');
    expect(await once(command, 'exit')).toEqual([0, null]);
  });
});
