import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { hearPostgres } from '../../src/store/postgres-changes.ts';
import { openRecordChanges } from '../../src/store/record-changes.ts';

it('is ended while it still waits for PostgreSQL to greet it', async () => {
  // It hears whoever comes, says nothing, and goes when the other one does.
  const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const hearing = hearPostgres(`postgres://somebody:x@127.0.0.1:${port}/records`, openRecordChanges());
  await once(silent, 'connection');
  const ended = hearing.stop().then(() => 'ended');
  expect(await Promise.race([ended, sleep(20_000, 'waits for ever', { ref: false })])).toBe('ended');
  silent.close();
}, 60_000);
