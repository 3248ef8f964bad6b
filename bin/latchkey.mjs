#!/usr/bin/env -S node --max-semi-space-size=32
/**
 * The operator's command line. Plain JavaScript, since a Node that is too old could not even read src/cli.ts.
 * Node's default of 16 MB for young objects makes a busy server promote what is about to die (docs/performance.md).
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { needRightNode, root } from '../scripts/right-node.mjs';

if (!existsSync(path.join(root, 'node_modules'))) {
  console.error('The packages are not installed yet: run `npm ci` in the folder of the project first.');
  process.exit(1);
}
await needRightNode();
// `latchkey audit list | head` closes the pipe early; that is no mistake of anybody's.
process.stdout.on('error', (problem) => process.exit(problem.code === 'EPIPE' ? 0 : 1));
process.stderr.on('error', () => {});
module.enableCompileCache?.(path.join(root, 'node_modules/.cache/compile'));
await import('../src/cli.ts');
