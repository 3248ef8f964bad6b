import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the server counts, in Prometheus form; served on METRICS_PORT only. */
export type Metrics = {
  registry: Registry;
  requests: Counter<'route' | 'method' | 'status'>;
  requestSeconds: Histogram<'route'>;
  signIns: Counter<'outcome'>;
  tokens: Counter<'grant_type' | 'outcome'>;
  limitsHit: Counter<'limit'>;
  challenges: Counter<'outcome'>;
  hashSeconds: Histogram<never>;
  redisMemory: Gauge<'server'>;
};

export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: 'latchkey_http_requests_total',
      help: 'Requests answered',
      labelNames: ['route', 'method', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'latchkey_http_request_seconds',
      help: 'Time to answer',
      labelNames: ['route'],
      registers,
    }),
    signIns: new Counter({
      name: 'latchkey_sign_ins_total',
      help: 'Sign-ins by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    tokens: new Counter({
      name: 'latchkey_token_requests_total',
      help: 'Token requests by grant type and outcome',
      labelNames: ['grant_type', 'outcome'],
      registers,
    }),
    limitsHit: new Counter({
      name: 'latchkey_limits_hit_total',
      help: 'Requests refused by a rate limit',
      labelNames: ['limit'],
      registers,
    }),
    challenges: new Counter({
      name: 'latchkey_challenges_total',
      help: 'Challenges under pressure: asked, solved, waited or refused',
      labelNames: ['outcome'],
      registers,
    }),
    hashSeconds: new Histogram({
      name: 'latchkey_password_hash_seconds',
      help: 'Time of one password hash, waiting included',
      registers,
    }),
    redisMemory: new Gauge({
      name: 'latchkey_redis_memory_ratio',
      help: 'Share of its maxmemory that a server of the live state uses; 0 without a limit',
      labelNames: ['server'],
      registers,
      // All workers see the same servers.
      aggregator: 'max',
    }),
  };
}
