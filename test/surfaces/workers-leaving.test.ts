import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { pidsOf, startWorkers, untilAllListen } from '../support/several-workers.ts';
import { endStartedServers, openLate, untilLeaving } from '../support/started-server.ts';

// Processes start slowly on a machine that runs several suites at once.
const slow = 300_000;

afterEach(endStartedServers);

const servers = process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? describe : undefined;
servers?.('several server processes (WORKERS) that are told to stop', () => {
  it(
    'finish what is under way when all of them are told at once, as systemd does, and leave with 0',
    async () => {
      const server = await startWorkers();
      await untilAllListen(server);
      const late = await openLate(server);
      for (const pid of pidsOf(server)) process.kill(pid, 'SIGTERM');
      server.child.kill('SIGTERM');
      await untilLeaving(server);
      // Whoever got a signal of its own and the one that was passed on has seen both by now.
      await sleep(500);
      expect(await late.finish()).toBe(400);
      expect(await server.ended).toBe(0);
      await server.remove();
    },
    slow,
  );

  it(
    'wait no longer for it when the first process is told once more, later',
    async () => {
      const server = await startWorkers();
      await untilAllListen(server);
      const late = await openLate(server);
      server.child.kill('SIGTERM');
      await untilLeaving(server);
      await sleep(1500);
      const askedAt = performance.now();
      server.child.kill('SIGTERM');
      expect(await server.ended).toBe(1);
      expect(performance.now() - askedAt).toBeLessThan(5000);
      expect(await late.finish()).toBe(undefined);
      await server.remove();
    },
    slow,
  );
});
