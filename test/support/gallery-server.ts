import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import Koa from 'koa';
import { look } from '../../interactions/shared/look.ts';
import { readSettings } from '../../src/settings.ts';
import { host } from '../../src/web/host.ts';
import type { Log } from '../../src/web/log.ts';
import { openPages, withPages } from '../../src/web/page.ts';
import { problems } from '../../src/web/problem.ts';
import { requestSource } from '../../src/web/request-source.ts';
import { sameOrigin } from '../../src/web/same-origin.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';

/** A real server with everything src/web has and no noun, no store: for pages, forms, headers and errors by themselves. */
export async function openPageServer(
  fill: (router: Router) => void,
  environment: Record<string, string> = {},
): Promise<{ origin: string; logged: object[]; close(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const settings = readSettings({ ISSUER: origin, SUPPORT_URL: 'https://help.example', ...environment });
  const { log, logged } = keptLog();
  const pages = openPages({ settings }, look);
  const router = new Router();
  fill(router);
  const app = new Koa();
  app.use(requestSource({ settings }));
  app.use(securityHeaders({ settings }));
  app.use(withPages(pages));
  app.use(problems({ log }));
  app.use(host({ settings }));
  app.use(pages.assets.middleware);
  app.use(sameOrigin({ settings }));
  app.use(router.routes());
  app.use(router.allowedMethods());
  server.on('request', app.callback());
  async function close() {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  return { origin, logged, close };
}

function keptLog(): { log: Log; logged: object[] } {
  const logged: object[] = [];
  const keep = (members: object, sentence: string) => void logged.push({ ...members, sentence });
  return { log: { debug: keep, info: keep, warn: keep, error: keep }, logged };
}
