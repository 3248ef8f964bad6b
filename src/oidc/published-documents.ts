import type { RequestListener, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { digest } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { EarlyAnswers } from '../web/early-answers.ts';
import { fixedHeaders } from '../web/security-headers.ts';
import { openEarlyDocuments } from './early-documents.ts';
import { jwksMaxAge } from './keys/signing-keys.ts';

/**
 * Discovery and the public keys: what every app reads again and again and is the same for all of them until the keys
 * change. The engine's first answer is kept as bytes and sent from then on before anything else looks at the request.
 */
const paths = ['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

export type PublishedDocuments = EarlyAnswers & {
  /** Answers when it can; false for what is not one of the documents, or not kept yet. */
  answer(...exchange: Parameters<RequestListener>): boolean;
  /** Keeps what the engine answered, if it is one of them. */
  keep(ctx: Context): void;
  /** The keys changed. */
  forget(): void;
};

export type Kept = { headers: string[]; withoutLength: string[]; body: string; etag: string };

export function openPublishedDocuments(
  services: Pick<Services, 'settings' | 'metrics' | 'clock'>,
): PublishedDocuments {
  const kept = new Map<string, Kept>();
  const { settings } = services;
  const always = Object.entries(fixedHeaders({ settings })).flat();
  const tally = openCount(services);
  const early = openEarlyDocuments(services, {
    document: (path) => kept.get(path),
    tally: (path) => tally(path, 200),
  });

  return {
    answerTo: early.answerTo,
    answer(req, res) {
      const url = req.url ?? '';
      const document = kept.get(url);
      if (!document || req.method !== 'GET' || headerOf(req.rawHeaders, 'host') !== settings.issuer.host)
        return false;
      const known = headerOf(req.rawHeaders, 'if-none-match') === document.etag;
      send(res, document, known ? 304 : 200);
      tally(url, known ? 304 : 200).times += 1;
      return true;
    },
    keep(ctx) {
      if (ctx.status !== 200 || !paths.includes(ctx.path.toLowerCase().replace(/\/$/, ''))) return;
      // The engine sends no cache headers with what every app reads again and again.
      ctx.set('Cache-Control', `public, max-age=${jwksMaxAge}`);
      if (ctx.method === 'GET' && paths.includes(ctx.url)) {
        kept.set(ctx.url, prepared(ctx, always));
        early.forget();
      }
    },
    forget() {
      kept.clear();
      early.forget();
    },
  };
}

function prepared(ctx: Context, always: readonly string[]): Kept {
  // Escaped as JSON allows (RFC 8259 section 7): one byte is one character, so headers and body leave as one text.
  const body = JSON.stringify(ctx.body).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const etag = `"${digest(body).slice(0, 22)}"`;
  const withoutLength = [
    ...always,
    ...['Content-Type', ctx.response.get('Content-Type'), 'ETag', etag],
    ...['Cache-Control', `public, max-age=${jwksMaxAge}`],
    // Public, and asked for by apps that run in a browser: one answer for all of them.
    ...['Access-Control-Allow-Origin', '*'],
  ];
  return { headers: [...withoutLength, 'Content-Length', String(body.length)], withoutLength, body, etag };
}

function send(res: ServerResponse, { headers, withoutLength, body }: Kept, status: 200 | 304): void {
  if (status === 200) res.writeHead(200, headers).end(body, 'latin1');
  else res.writeHead(304, withoutLength).end();
}

/** The value of a header that was sent once; reading them all into an object costs more than the rest of the answer. */
function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? '';
    if (given.length !== name.length || given.toLowerCase() !== name) continue;
    if (value !== undefined) return undefined;
    value = rawHeaders[at + 1];
  }
  return value;
}

/** What was answered of one kind since the metrics were last told. */
export type Tally = { times: number };

/** Counted in bulk: the metrics look a label up each time. */
function openCount({ metrics }: Pick<Services, 'metrics'>): (url: string, status: 200 | 304) => Tally {
  const counted = new Map<string, Tally & { route: string; status: number }>();
  const timer = setInterval(() => {
    for (const one of counted.values()) {
      if (one.times > 0)
        metrics.requests.inc({ route: one.route, method: 'GET', status: one.status }, one.times);
      one.times = 0;
    }
  }, 1000);
  timer.unref();
  return (url, status) => {
    const key = url + status;
    const one = counted.get(key) ?? {
      route: url === '/jwks' ? 'jwks' : '.well-known',
      status,
      times: 0,
    };
    counted.set(key, one);
    return one;
  };
}
