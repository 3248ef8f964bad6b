import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { seconds } from '../kit/durations.ts';

/**
 * How long a sender may take, in milliseconds: for the headers, for the whole request, and between two requests, where a
 * connection must outlive those of a proxy in front. `lookEvery`: Node looks for who is late no more often than this, and
 * its own half a minute would make ten seconds forty.
 */
export const patience = {
  headers: 10 * seconds,
  request: 20 * seconds,
  keepAlive: 75 * seconds,
  lookEvery: 1 * seconds,
};

/** Node's server with an end to everything (misuse cases HT-01, HT-03). Headers are at most 16 KiB in all. */
export function openHttpServer(
  listener: RequestListener,
  { headers, request, keepAlive, lookEvery }: typeof patience = patience,
): HttpServer {
  const http = createServer(
    {
      headersTimeout: headers,
      requestTimeout: request,
      keepAliveTimeout: keepAlive,
      connectionsCheckingInterval: lookEvery,
      maxHeaderSize: 16 * 1024,
    },
    listener,
  );
  http.maxRequestsPerSocket = 10_000;
  // Far above what one process can serve, and below what makes it run out of files.
  http.maxConnections = 10_000;
  return http;
}
