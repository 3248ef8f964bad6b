import type { Provider } from 'oidc-provider';
import type { BoundedQueue } from './kit/bounded-queue.ts';
import type { Clock } from './kit/clock.ts';
import type { Seals } from './kit/sealing.ts';
import type { Settings } from './settings.ts';
import type { LiveStore } from './store/live.ts';
import type { Database } from './store/tables.ts';
import type { Log } from './web/log.ts';
import type { Metrics } from './web/metrics.ts';

/** The outside world, handed down by name: what a function can touch is its first line. */
export type Services = {
  settings: Settings;
  clock: Clock;
  db: Database;
  live: LiveStore;
  seals: Seals;
  /** Bounds how many slow password hashes run and wait, so that they cannot starve the token endpoint. */
  hashQueue: BoundedQueue;
  log: Log;
  metrics: Metrics;
};

/** The services and the engine. `provider` is a getter: key rotation puts a new instance in its place. */
export type App = Services & { readonly provider: Provider };
