import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Middleware } from 'koa';
import type { Settings } from '../settings.ts';
import type { Look } from './page.ts';

/**
 * The files pages link to: read at start, kept in memory, compressed once, and named by their content, so that a
 * browser may keep each for good and a new release never meets an old style sheet.
 */
export type Assets = {
  /** The address of an asset by its file name. Throws for one that is not there. */
  url(name: string): string;
  /** The address of the company's logo, when one is set. */
  logo: string | undefined;
  middleware: Middleware;
};

type Asset = { type: string; plain: Buffer; br: Buffer; gzip: Buffer; etag: string };

const policies = {
  // An SVG opened by itself is a document: it gets a policy under which it is a picture and nothing more.
  picture: "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
  // A worker's policy is that of its file. Sandboxed it would have no origin, and so no Web Crypto; it fetches nothing.
  script: "default-src 'none'; frame-ancestors 'none'",
};

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

export function openAssets({
  settings,
  look,
  generated,
}: {
  settings: Pick<Settings, 'BRAND_LOGO'>;
  look: Pick<Look, 'styles' | 'assets'>;
  /** Style made at start, put before the style sheets. */
  generated: string;
}): Assets {
  const urls = new Map<string, string>();
  const served = new Map<string, Asset>();

  function add(name: string, content: Buffer): string {
    const { name: stem, ext } = path.parse(name);
    const type = types[ext.toLowerCase()];
    if (!type) throw new Error(`assets are style sheets, scripts, SVG and PNG, not ${name}`);
    const hash = createHash('sha256').update(content).digest('base64url').slice(0, 12);
    const url = `/assets/${stem}.${hash}${ext}`;
    served.set(url, {
      type,
      plain: content,
      br: brotliCompressSync(content),
      gzip: gzipSync(content),
      etag: `"${hash}"`,
    });
    urls.set(name, url);
    return url;
  }

  for (const file of look.assets) add(path.basename(file), readFileSync(file));
  const style = [generated, ...look.styles.map((file) => readFileSync(file, 'utf8'))].join('\n');
  add('style.css', Buffer.from(style));
  const logo = settings.BRAND_LOGO === undefined ? undefined : add(...readLogo(settings.BRAND_LOGO));
  return { url: (name) => urlOf(urls, name), logo, middleware: serve(served) };
}

function urlOf(urls: ReadonlyMap<string, string>, name: string): string {
  const url = urls.get(name);
  if (!url) throw new Error(`there is no asset ${name}`);
  return url;
}

/** The settings have looked at it: it is there, small, and an SVG or a PNG. */
function readLogo(file: string): [string, Buffer] {
  return [`logo${path.extname(file).toLowerCase()}`, readFileSync(file)];
}

function serve(served: ReadonlyMap<string, Asset>): Middleware {
  return (ctx, next) => {
    const asset = served.get(ctx.path);
    if (!asset || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity');
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
    ctx.set('Content-Security-Policy', ctx.path.endsWith('.js') ? policies.script : policies.picture);
    ctx.set('Vary', 'Accept-Encoding');
    ctx.set('ETag', asset.etag);
    ctx.type = asset.type;
    ctx.status = 200;
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    if (encoding === 'br' || encoding === 'gzip') ctx.set('Content-Encoding', encoding);
    ctx.body = encoding === 'br' ? asset.br : encoding === 'gzip' ? asset.gzip : asset.plain;
  };
}
