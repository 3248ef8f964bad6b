import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/** What stands in front of the server in production: TLS on 443, and on 80 the same address again with https. */
export async function openFront(port: number): Promise<() => Promise<void>> {
  const tls = createTlsServer(
    {
      key: readFileSync(String(process.env['TLS_KEY'])),
      cert: readFileSync(String(process.env['TLS_CERTIFICATE'])),
    },
    (req, res) => {
      const headers = { ...req.headers, 'x-forwarded-for': '192.0.2.7' };
      const passed = request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers });
      passed.on('response', (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      passed.on('error', () => res.writeHead(502).end());
      req.pipe(passed);
    },
  );
  const plain = createServer((req, res) =>
    res.writeHead(301, { location: `https://${req.headers.host}${req.url}` }).end(),
  );
  for (const [server, at] of [
    [tls, 443],
    [plain, 80],
  ] as const) {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  }
  return async () => {
    for (const server of [tls, plain]) {
      server.closeAllConnections();
      server.close();
    }
  };
}
