import type { RequestListener, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { digest } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { fixedHeaders } from '../web/security-headers.ts';
import { jwksMaxAge } from './signing-keys.ts';

/**
 * Discovery and the public keys: what every app reads again and again and is the same for all of them until the keys
 * change. The engine's first answer is kept as bytes and sent from then on before anything else looks at the request.
 */
const paths = ['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

export type PublishedDocuments = {
  /** Answers when it can; false for what is not one of the documents, or not kept yet. */
  answer(...exchange: Parameters<RequestListener>): boolean;
  /** Keeps what the engine answered, if it is one of them. */
  keep(ctx: Context): void;
  /** The keys changed. */
  forget(): void;
};

type Kept = { headers: string[]; body: Buffer; etag: string };

export function openPublishedDocuments(services: Pick<Services, 'settings' | 'metrics'>): PublishedDocuments {
  const kept = new Map<string, Kept>();
  const { metrics, settings } = services;
  const always = Object.entries(fixedHeaders({ settings })).flat();

  return {
    answer({ url = '', method, headers }, res) {
      const document = kept.get(url);
      if (!document || method !== 'GET' || headers.host !== settings.issuer.host) return false;
      const status = headers['if-none-match'] === document.etag ? 304 : 200;
      send(res, document, status);
      metrics.requests.inc({ route: url.startsWith('/jwks') ? 'jwks' : '.well-known', method, status });
      return true;
    },
    keep(ctx) {
      if (ctx.status !== 200 || !paths.includes(ctx.path.toLowerCase().replace(/\/$/, ''))) return;
      // The engine sends no cache headers with what every app reads again and again.
      ctx.set('Cache-Control', `public, max-age=${jwksMaxAge}`);
      if (ctx.method !== 'GET' || !paths.includes(ctx.url)) return;
      const body = Buffer.from(JSON.stringify(ctx.body));
      const etag = `"${digest(body.toString()).slice(0, 22)}"`;
      const headers = [
        ...always,
        ...['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(body.length)],
        ...['Cache-Control', `public, max-age=${jwksMaxAge}`, 'ETag', etag],
        // Public, and asked for by apps that run in a browser: one answer for all of them.
        ...['Access-Control-Allow-Origin', '*'],
      ];
      kept.set(ctx.url, { headers, body, etag });
    },
    forget: () => kept.clear(),
  };
}

function send(res: ServerResponse, { headers, body }: Kept, status: 200 | 304): void {
  if (status === 200) res.writeHead(200, headers).end(body);
  else {
    const length = headers.indexOf('Content-Length');
    res.writeHead(304, headers.toSpliced(length, 2)).end();
  }
}
