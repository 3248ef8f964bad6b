import cluster, { type Worker } from 'node:cluster';
import { createServer } from 'node:http';
import { AggregatorRegistry } from 'prom-client';
import { seconds } from './kit/durations.ts';
import type { Settings } from './settings.ts';
import { openLog } from './web/log.ts';
import type { Metrics } from './web/metrics.ts';
import { onStopSignals } from './web/stop-signals.ts';

/**
 * Several processes on one machine (WORKERS). The first one answers nobody: it starts the others, starts one anew that
 * died, and passes a signal on. Everything they share is in the stores, so any of them may go at any time.
 */
export function runWorkers(settings: Settings): void {
  const log = openLog({ level: settings.LOG_LEVEL });
  let stopping = false;

  function start(): void {
    // The empty METRICS_PORT means unset: the metrics of all are served here.
    const worker = cluster.fork({ METRICS_PORT: '' });
    const startedAt = Date.now();
    worker.once('exit', (code, signal) => {
      if (stopping) return;
      log.warn({ pid: worker.process.pid, exitCode: code, signal }, 'a worker ended and is started again');
      // One that dies as soon as it starts must not keep the machine busy with dying.
      setTimeout(start, Date.now() - startedAt > 5 * seconds ? 0 : 1 * seconds);
    });
  }
  for (let count = 0; count < settings.WORKERS; count += 1) start();
  if (settings.METRICS_PORT !== undefined) serveMetricsOfAll(settings.METRICS_PORT, settings.HOST);

  onStopSignals({
    first(signal) {
      stopping = true;
      void Promise.all(living().map((worker) => gone(worker, signal))).then(() => process.exit(0));
    },
    again() {
      for (const worker of living()) worker.process.kill('SIGKILL');
      process.exit(1);
    },
  });
}

/** What all workers count, added up: a scrape must not depend on which of them it happens to reach. */
function serveMetricsOfAll(port: number, host: string): void {
  const all = new AggregatorRegistry();
  createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end();
    all.clusterMetrics().then(
      (text) => response.writeHead(200, { 'Content-Type': all.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  }).listen(port, host);
}

/** Said once in each worker: what the first process asks for is this registry. */
export function shareMetrics({ metrics }: { metrics: Metrics }): void {
  AggregatorRegistry.setRegistries([metrics.registry]);
  new AggregatorRegistry();
}

function living(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}

function gone(worker: Worker, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.process.kill(signal);
  });
}
