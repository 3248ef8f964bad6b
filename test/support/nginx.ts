import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import type { Issued } from './certificates.ts';
import { openFolder, runServer } from './server-process.mjs';
import type { TestServer } from './servers.mjs';

/** Debian's nginx where TLS ends and certificates of apps are asked for, as docs/operations.md sets it up. */
export async function startNginx({
  port,
  upstream,
  server,
  clientAuthority,
}: {
  port: number;
  upstream: number;
  server: Issued;
  clientAuthority: string;
}): Promise<TestServer> {
  const program = process.env['TEST_NGINX'];
  if (!program) throw new Error('TEST_NGINX is not set: run the tests with npm test');
  const folder = openFolder('latchkey-nginx-');
  const file = path.join(folder.path, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; pid ${folder.path}/pid; error_log stderr warn; worker_processes 1;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder.path}/body; proxy_temp_path ${folder.path}/proxy; fastcgi_temp_path ${folder.path}/f;
  uwsgi_temp_path ${folder.path}/u; scgi_temp_path ${folder.path}/s;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${server.files.pem};
    ssl_certificate_key ${server.files.key};
    ssl_client_certificate ${clientAuthority};
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass http://127.0.0.1:${upstream};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
      proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
    }
  }
}
`,
  );
  return runServer({
    url: `https://localhost:${port}`,
    port,
    folder,
    command: [program, '-c', file, '-p', folder.path],
    endSignal: 'SIGTERM',
    lastSignal: 'SIGKILL',
    isReady: () => answers(port),
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
