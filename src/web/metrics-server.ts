import { createServer, type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Metrics in Prometheus form, on a port of their own: they say how busy a company is, which is nobody else's business. */
export function metricsServer({ metrics }: { metrics: Metrics }): Server {
  return createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.registry.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
}
