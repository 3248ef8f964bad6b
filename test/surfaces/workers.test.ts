import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/servers.mjs';
import { pidsOf, startWorkers, untilAllListen } from '../support/several-workers.ts';
import {
  endStartedServers,
  type KeptConnection,
  openKept,
  type StartedServer,
} from '../support/started-server.ts';
import { until } from '../support/timing.ts';

// Processes start slowly on a machine that runs several suites at once.
const slow = 300_000;
const many = 24;

afterEach(endStartedServers);

const servers = process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? describe : undefined;
servers?.('several server processes (WORKERS)', () => {
  const isAnswer = (text: string) => /^HTTP\/1\.1 200 /.test(text);
  const askAll = (kept: readonly KeptConnection[], path?: string) =>
    Promise.all(kept.map(async (one) => isAnswer(await one.ask(path))));

  /** One after the other, each of them asked: none may be refused or left without an answer for good. */
  async function openMany({ port }: StartedServer): Promise<KeptConnection[]> {
    const kept: KeptConnection[] = [];
    for (let place = 0; place < many; place += 1)
      await until(async () => {
        const one = await openKept(port).catch(() => undefined);
        if (!one || !isAnswer(await one.ask())) return false;
        kept.push(one);
        return true;
      });
    return kept;
  }

  /** SIGKILL; once its successor listens, which of the connections are still answered. */
  async function killed(server: StartedServer, pid: number, kept: readonly KeptConnection[]) {
    const before = pidsOf(server).length;
    process.kill(pid, 'SIGKILL');
    await until(() => pidsOf(server).length > before);
    return (await askAll(kept)).filter(Boolean).length;
  }

  it(
    'take connections at one port in turn, count together, start anew what dies, and leave together',
    async () => {
      const metricsPort = await freePort();
      const server = await startWorkers({ METRICS_PORT: String(metricsPort) });
      await untilAllListen(server);
      const [first = 0, second = 0] = pidsOf(server);

      const kept = await openMany(server);
      expect(await askAll(kept, '/jwks')).toEqual(kept.map(() => true));
      // All of it, whichever of them is asked; it is counted in bulk, a moment later.
      await until(async () => {
        const told = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
        return told.includes(
          `latchkey_http_requests_total{route="jwks",method="GET",status="200"} ${many}\n`,
        );
      });

      // With one of them go the connections that it took, and those alone: so each took some.
      const left = await killed(server, first, kept);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(many);

      // The one that came in its place takes connections as well; of the second, none is left.
      const later = await openMany(server);
      expect(await killed(server, second, kept)).toBe(0);
      const ofTheThird = (await askAll(later)).filter(Boolean).length;
      expect(ofTheThird).toBeGreaterThan(0);
      expect(ofTheThird).toBeLessThan(many);
      await openMany(server);

      expect(new Set(pidsOf(server)).size).toBe(4);
      for (const one of [...kept, ...later]) one.close();
      server.child.kill('SIGTERM');
      expect(await server.ended).toBe(0);
      await server.remove();
    },
    slow,
  );
});
