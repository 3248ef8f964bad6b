import { linkSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/servers.mjs';
import { pidsOf, startWorkers, untilAllListen } from '../support/several-workers.ts';
import {
  endStartedServers,
  folderUntilEnd,
  openLate,
  type StartedServer,
  startServerProcess,
  untilReady,
} from '../support/started-server.ts';
import { until } from '../support/timing.ts';

// Processes start slowly on a machine that runs several suites at once.
const slow = 300_000;

afterEach(endStartedServers);

const servers = process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? describe : undefined;
servers?.('several server processes (WORKERS) of which some do not start', () => {
  const timesSaid = ({ said }: StartedServer, what: string) => said().split(what).length - 1;

  /** The processes that it started and that still run, whether they listen or not. */
  function childrenOf({ child }: StartedServer): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && parentOf(name) === child.pid)
      .map(Number);
  }

  function parentOf(pid: string): number | undefined {
    try {
      return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    } catch {
      // It ended in the meantime.
      return undefined;
    }
  }

  it(
    'end with 1 where none of them can, and each has said why',
    async () => {
      const first = await startServerProcess();
      await untilReady(first);
      const server = await startWorkers({ PORT: String(first.port) });
      expect(await server.ended).toBe(1);
      expect(timesSaid(server, 'is taken by another program')).toBe(2);
      await server.remove();
    },
    slow,
  );

  it(
    'go on while no process can be started, and start it later',
    async () => {
      const program = path.join(folderUntilEnd().path, 'node');
      linkSync(process.execPath, program);
      const server = await startWorkers({}, { node: program });
      await untilAllListen(server);
      renameSync(program, `${program}-away`);
      process.kill(pidsOf(server)[0] ?? 0, 'SIGKILL');
      await until(() => timesSaid(server, 'a worker could not be started') > 1);
      renameSync(`${program}-away`, program);
      await until(() => pidsOf(server).length === 3);
      server.child.kill('SIGTERM');
      expect(await server.ended).toBe(0);
      await server.remove();
    },
    slow,
  );

  it(
    'wait longer and longer, and start none once they are told to stop',
    async () => {
      const server = await startWorkers();
      await untilAllListen(server);
      const [, stays = 0] = pidsOf(server);
      // Each end before it listened, and each wait is about twice the one before: the next is two seconds at least.
      let late: Awaited<ReturnType<typeof openLate>> | undefined;
      for (let times = 1; times <= 3; times += 1) {
        await until(() => childrenOf(server).length === 2);
        // The others are not there yet, or gone: it is with the one that stays.
        if (times === 3) late = await openLate(server);
        for (const pid of childrenOf(server)) if (pid !== stays) process.kill(pid, 'SIGKILL');
        await until(() => timesSaid(server, 'a worker ended and is started again') === times);
      }
      server.child.kill('SIGTERM');
      for (const until = Date.now() + 6000; Date.now() < until; await sleep(50))
        expect(childrenOf(server).filter((pid) => pid !== stays)).toEqual([]);
      expect(await late?.finish()).toBe(400);
      expect(await server.ended).toBe(0);
      await server.remove();
    },
    slow,
  );

  it(
    'tell the numbers of those that listen while another is only starting',
    async () => {
      const metricsPort = await freePort();
      const server = await startWorkers({ METRICS_PORT: String(metricsPort) });
      await untilAllListen(server);
      const [first = 0, stays] = pidsOf(server);
      process.kill(first, 'SIGKILL');
      await until(() => childrenOf(server).some((pid) => pid !== first && pid !== stays));
      // It starts for as long as we like.
      const starting = childrenOf(server).find((pid) => pid !== first && pid !== stays) ?? 0;
      process.kill(starting, 'SIGSTOP');
      const told = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      expect([told.status, await told.text()]).toEqual([200, expect.stringContaining('process_cpu')]);
      process.kill(starting, 'SIGCONT');
      await until(() => pidsOf(server).length === 3);
      await server.remove();
    },
    slow,
  );
});
