/**
 * Reads a request that leaves nothing to interpret: GET, HTTP/1.1, headers on a line each, no body and nothing after it
 * (RFC 9112 sections 3 and 5). Whatever could be read in two ways, or asks for more than the document (a condition, another
 * connection, a body), is undefined here and the HTTP server's business: to know too little costs time, to know too much costs safety.
 */
export function readPlainGet(request: string): { path: string; host: string } | undefined {
  const [, path, lines] = plain.exec(request) ?? [];
  if (path === undefined || lines === undefined) return undefined;
  let host: string | undefined;
  for (const line of lines.split('\r\n').slice(0, -1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (!harmless.has(name)) return undefined;
    const value = line.slice(colon + 1).trim();
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined;
    if (name !== 'host') continue;
    if (host !== undefined) return undefined;
    host = value;
  }
  return host === undefined ? undefined : { path, host };
}

const plain = /^GET (\/[a-z./-]*) HTTP\/1\.1\r\n((?:[A-Za-z0-9-]+: ?[\x21-\x7e][\x20-\x7e]*\r\n)+)\r\n$/;

/** What clients send with every request, and proxies add to it, and what makes no difference to a public document. */
const harmless = new Set([
  'host',
  'connection',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'pragma',
  'origin',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
]);
