import cluster from 'node:cluster';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { watchFailures } from './actions/watch-failures.ts';
import { openApp } from './app.ts';
import { recordEvent } from './audit/record.ts';
import { requirePeppers } from './credentials/peppers.ts';
import { seconds } from './kit/durations.ts';
import { startDelivery } from './mail/delivery.ts';
import { startEndings } from './oidc/sign-out/finish-endings.ts';
import { type OpenServices, openServices } from './services.ts';
import { readSettings, SettingsProblem } from './settings.ts';
import { whenStarted } from './store/when-started.ts';
import { leave, openHttpServer } from './web/http-server.ts';
import { describeError, type Log } from './web/log.ts';
import { metricsServer } from './web/metrics-server.ts';
import { onStopSignals } from './web/stop-signals.ts';
import { shareNumbers } from './web/worker-metrics.ts';
import { runWorkers } from './workers.ts';

type Running = { log: Log; stop(): Promise<void> };

/** Well under the half a minute that whoever started us is advised to wait (docs/operations.md). */
const mostForLeaving = 25 * seconds;

/**
 * The server: read the settings, open the services, listen, and leave without dropping anybody on SIGTERM. `stoppable` hears
 * before it listens how it is stopped: from then on there may be somebody to drop.
 */
export async function startServer(
  environment: NodeJS.ProcessEnv,
  { stoppable = () => {} }: { stoppable?: (running: Running) => void } = {},
): Promise<Running> {
  const settings = readSettings(environment);
  const services = await openServices(settings);
  const { log } = services;
  await whenStarted(log, 'records', () => requirePeppers(services));
  if (settings.conformance)
    log.warn(
      {},
      'PROFILE=conformance: anybody may register apps, and old flows are allowed. Not for people.',
    );
  const server = await openApp(services);
  const delivery = startDelivery(services);
  const watch = watchFailures(services);
  const endings = startEndings(services);
  const http = openHttpServer(server.answer, { early: server.early });
  // A worker's numbers are asked for by the first process, which adds them up.
  if (cluster.isWorker) shareNumbers(services.metrics.registry);
  const metrics = settings.METRICS_PORT === undefined ? undefined : metricsServer(services);

  const leaving = new AbortController();
  const begun = begin(services, { http, metrics, leaving: leaving.signal });
  const running = {
    log,
    async stop() {
      // Load balancers see "not ready" first and send nobody new; then what is under way is finished.
      server.drain();
      leaving.abort();
      await (await begun)?.stop();
      const notice = settings.issuer.loopback ? 0 : 1 * seconds;
      await Promise.all([
        leave(http, { notice, most: Math.max(10 * seconds, 2 * settings.STORE_TIMEOUT_MS) }),
        metrics && leave(metrics, { notice: 0, most: 1 * seconds }),
      ]);
      await watch.stop();
      await endings.stop();
      await delivery.stop();
      await server.stop();
      await services.close();
    },
  };
  stoppable(running);
  await begun;
  return running;
}

/** From the first connection on. Answers the demonstration, if there is one. */
async function begin(
  services: OpenServices,
  { http, metrics, leaving }: { http: Server; metrics: Server | undefined; leaving: AbortSignal },
) {
  const { settings, log } = services;
  http.listen(settings.PORT, settings.HOST);
  metrics?.listen(settings.METRICS_PORT, settings.HOST);
  await Promise.all([once(http, 'listening'), metrics && once(metrics, 'listening')]);
  await whenStarted(log, 'records', () => recordEvent(services, { type: 'server.started' }), { leaving });
  log.info(
    { pid: process.pid, issuer: settings.ISSUER, port: settings.PORT, host: settings.HOST },
    'listening',
  );
  const demo = settings.DEMO ? await (await import('./demo/demo.ts')).startDemo(services) : undefined;
  if (demo) console.log(demo.announcement);
  return demo;
}

/** Runs until a signal says to stop, in this process or in WORKERS of them. */
export async function runServer(environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    const settings = readSettings(environment);
    if (settings.WORKERS > 1 && cluster.isPrimary) return await runWorkers(settings);
    await startServer(environment, { stoppable: stopOnSignal });
  } catch (error) {
    console.error(whyNotStarted(error, environment));
    process.exit(1);
  }
}

/** A sentence, as on the command line; where it came from only for whoever asks. */
function whyNotStarted(error: unknown, environment: NodeJS.ProcessEnv): string | object {
  if (error instanceof SettingsProblem) return error.message;
  if (environment['LATCHKEY_DEBUG']) return describeError(error);
  const { code, port, address, hostname } = error as NodeJS.ErrnoException & {
    port?: number;
    address?: string;
    hostname?: string;
  };
  if (code === 'EADDRINUSE')
    return `Port ${port} is taken by another program. Stop it, or set PORT (and ISSUER) to another.`;
  if (code === 'EACCES' && port)
    return `Port ${port} may not be opened by this user. Set PORT to one above 1023.`;
  if (code === 'EADDRNOTAVAIL' || (code === 'ENOTFOUND' && hostname))
    return `HOST: ${address ?? hostname} is no address of this machine.`;
  return `${error instanceof Error ? error.message : String(error)}\nSet LATCHKEY_DEBUG=1 to see where.`;
}

function stopOnSignal({ log, stop }: Running): void {
  onStopSignals({
    first() {
      setTimeout(() => {
        log.error({ afterMs: mostForLeaving }, 'stopping takes too long, and ends here');
        process.exit(1);
      }, mostForLeaving).unref();
      stop().then(
        () => process.exit(0),
        (error) => {
          log.error({ error: describeError(error) }, 'stopping failed');
          process.exit(1);
        },
      );
    },
    again() {
      // Of several processes the first one decides: what it passes on may come long after what the worker got itself.
      if (!cluster.isWorker) process.exit(1);
    },
  });
}
