import { once } from 'node:events';
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../kit/durations.ts';
import { answerEarly, type EarlyAnswers } from './early-answers.ts';

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

/** On one connection. */
export const mostRequests = 10_000;

/** Node's server with an end to everything (misuse cases HT-01, HT-03). Headers are at most 16 KiB in all. */
export function openHttpServer(
  listener: RequestListener,
  {
    early,
    patience: { headers, request, keepAlive, lookEvery } = patience,
  }: { early?: EarlyAnswers; patience?: typeof patience } = {},
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
  http.maxRequestsPerSocket = mostRequests;
  // Far above what one process can serve, and below what makes it run out of files.
  http.maxConnections = 10_000;
  if (early) atTheDoor.set(http, answerEarly(http, early, { keepAlive }));
  return http;
}

/** Connections that the HTTP server does not know of yet. */
const atTheDoor = new WeakMap<HttpServer, ReturnType<typeof answerEarly>>();

/**
 * Leaves without dropping anybody; resolves when the last connection is gone. A proxy keeps connections, and may be sending
 * on one at the very moment it is closed: the request is lost then, for a POST is not sent twice (RFC 9110 section
 * 9.2.2). So for the time of `notice` everybody is answered and told to let go of the connection; then no new one is
 * taken, which a proxy can tell from a lost request; and what is idle is closed after as long again, when proxies have
 * gone elsewhere. What is under way is waited for, `most` milliseconds at most.
 */
export async function leave(
  http: HttpServer,
  { notice, most }: { notice: number; most: number },
): Promise<void> {
  http.prependListener('request', (_request, answer) => {
    answer.shouldKeepAlive = false;
  });
  const door = atTheDoor.get(http);
  door?.letGo();
  await sleep(notice);
  const closed = once(http, 'close');
  // Not Node's own close of an HTTP server, which hangs up on idle connections at once.
  NetServer.prototype.close.call(http);
  const hard = setTimeout(() => {
    http.closeAllConnections();
    door?.closeAll();
  }, most);
  const closeIdle = () => {
    http.closeIdleConnections();
    door?.closeIdle();
  };
  await Promise.race([closed, sleep(notice)]);
  // What has arrived is read before anything is closed: a timer comes before that, an immediate after.
  const idle = setInterval(() => setImmediate(closeIdle), 20);
  await closed;
  clearInterval(idle);
  clearTimeout(hard);
}
