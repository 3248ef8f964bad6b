import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Registry } from 'prom-client';
import { seconds } from './kit/durations.ts';
import type { Settings } from './settings.ts';
import { describeError, type Log, openLog } from './web/log.ts';
import { onStopSignals } from './web/stop-signals.ts';
import { numbersOf } from './web/worker-metrics.ts';

/** Where a worker runs, or is to run again. */
type Place = { worker?: Worker | undefined; again?: NodeJS.Timeout | undefined; failures: number };

/** One that listened for so long was well: what ended it is not what ended those before it. */
const wellAfter = 10 * seconds;
const longestWait = 30 * seconds;
/** A worker ends by itself before that (main.ts), if it still does anything at all. */
const mostForLeaving = 27 * seconds;

/**
 * Several processes on one machine (WORKERS). The first one answers nobody: it starts the others, starts one anew that
 * died, and passes a signal on. Everything they share is in the stores, so any of them may go at any time.
 */
export async function runWorkers(settings: Settings): Promise<void> {
  const log = openLog({ level: settings.LOG_LEVEL });
  const crew = openCrew(settings.WORKERS, log);
  if (settings.METRICS_PORT !== undefined)
    await serveMetricsOf(crew.listening, { port: settings.METRICS_PORT, host: settings.HOST, log });
  onStopSignals({ first: crew.leave, again: crew.kill });
  crew.start();
}

function openCrew(count: number, log: Log) {
  const places: Place[] = Array.from({ length: count }, () => ({ failures: 0 }));
  const listening = new Set<Worker>();
  let everListened = false;
  let stopping = false;
  let status = 0;

  function start(place: Place): void {
    place.again = undefined;
    try {
      // The empty METRICS_PORT means unset: the metrics of all are served by the first process.
      look(place, cluster.fork({ METRICS_PORT: '' }));
    } catch (error) {
      notStarted(place, error);
    }
  }

  function look(place: Place, worker: Worker): void {
    let listenedAt = Number.POSITIVE_INFINITY;
    place.worker = worker;
    worker.on('error', (error) => {
      // No process: then nothing else is ever heard of it. Otherwise its end is, if it ends.
      if (worker.process.pid === undefined) notStarted(place, error);
      else log.warn({ pid: worker.process.pid, error: describeError(error) }, 'trouble with a worker');
    });
    worker.once('listening', () => {
      listenedAt = Date.now();
      listening.add(worker);
      if (!everListened) firstListens();
    });
    worker.once('exit', (exitCode, signal) => {
      listening.delete(worker);
      place.worker = undefined;
      if (stopping) return left(exitCode === 0 || signal === 'SIGTERM' || signal === 'SIGINT');
      const what = everListened
        ? 'a worker ended and is started again'
        : 'a worker ended before any listened';
      log.warn({ pid: worker.process.pid, exitCode, signal }, what);
      place.failures = Date.now() - listenedAt > wellAfter ? 0 : place.failures + 1;
      if (everListened) later(place);
      else giveUpIfLast();
    });
  }

  function notStarted(place: Place, error: unknown): void {
    place.worker = undefined;
    if (stopping) {
      left(true);
      return;
    }
    log.error({ error: describeError(error) }, 'a worker could not be started, which is tried again');
    place.failures += 1;
    later(place);
  }

  /** What lasts must not keep the machine busy with dying, nor all of them die in step. */
  function later(place: Place): void {
    const wait = place.failures && Math.min(longestWait, 2 ** (place.failures - 1) * seconds);
    place.again = setTimeout(() => start(place), wait * (0.8 + 0.4 * Math.random()));
  }

  /** Until one listens, nobody knows whether any can: who ends is not started again before. */
  function firstListens(): void {
    everListened = true;
    for (const place of places) if (isEmpty(place)) later(place);
  }

  function giveUpIfLast(): void {
    if (!places.every(isEmpty)) return;
    log.error({}, 'no worker could start');
    process.exit(1);
  }

  function left(well: boolean): void {
    if (!well) status = 1;
    if (places.every(isEmpty)) process.exit(status);
  }

  function kill(): void {
    for (const { worker } of places) worker?.process.kill('SIGKILL');
    process.exit(1);
  }

  return {
    listening,
    kill,
    start: () => places.forEach(start),
    leave(signal: NodeJS.Signals): void {
      stopping = true;
      for (const place of places) {
        clearTimeout(place.again);
        place.again = undefined;
        place.worker?.process.kill(signal);
      }
      setTimeout(kill, mostForLeaving);
      left(true);
    },
  };
}

function isEmpty({ worker, again }: Place): boolean {
  return worker === undefined && again === undefined;
}

/** A scrape must not depend on which worker it happens to reach. */
async function serveMetricsOf(
  listening: ReadonlySet<Worker>,
  { port, host, log }: { port: number; host: string; log: Log },
): Promise<void> {
  const http = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end();
    numbersOf([...listening]).then(
      (text) => response.writeHead(200, { 'Content-Type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
      () => response.writeHead(500).end(),
    );
  }).listen(port, host);
  await once(http, 'listening');
  http.on('error', (error) =>
    log.error({ error: describeError(error) }, 'trouble with the port for metrics'),
  );
}
