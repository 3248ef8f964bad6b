/** npm start: the server with its demonstration. `node bin/latchkey.mjs start` is the server alone. */
import module from 'node:module';
import path from 'node:path';
import { needRightNode, root } from './right-node.mjs';

await needRightNode();
process.chdir(root);
process.env.DEMO ??= 'on';
// Compiled code is kept, which takes a third off every start after the first.
module.enableCompileCache?.(path.join(root, 'node_modules/.cache/compile'));
const { runServer } = await import('../src/main.ts');
await runServer(process.env);
