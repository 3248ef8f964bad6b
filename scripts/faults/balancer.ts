import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram, freePort } from '../../test/support/servers.mjs';
import { send } from '../../test/support/wire.ts';
import { spawnGuarded } from './guarded.ts';

/**
 * nginx in front of the nodes, set up as docs/operations.md says for several servers. Each answer names the nodes it came
 * by, in the order they were tried. Who visits is what the load says: it plays another proxy in front.
 */
export type Balancer = { port: number; stop(): Promise<void> };

export async function startBalancer(folder: string, ports: readonly number[]): Promise<Balancer> {
  const program = findProgram('nginx');
  if (!program) throw new Error('nginx is missing; on Debian: apt-get install nginx');
  const port = await freePort();
  const home = path.join(folder, 'nginx');
  mkdirSync(home, { recursive: true });
  const file = path.join(home, 'nginx.conf');
  writeFileSync(file, configuration(home, port, ports));
  const child = spawnGuarded([program, '-p', home, '-c', file, '-e', path.join(home, 'error.log')], {
    stdio: 'ignore',
  });
  await untilAnswering(child, port);
  return { port, stop: () => end(child) };
}

function configuration(home: string, port: number, ports: readonly number[]): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
pid ${home}/nginx.pid;
error_log ${home}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 3600s;
  keepalive_requests 10000000;
  ${places.map((place) => `${place}_temp_path ${home}/${place};`).join('\n  ')}
  upstream latchkey {
    ${ports.map((node) => `server 127.0.0.1:${node} max_fails=1 fail_timeout=2s;`).join('\n    ')}
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    client_max_body_size 64k;
    location / {
      proxy_pass http://latchkey;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header Forwarded "";
      proxy_next_upstream error timeout;
      proxy_connect_timeout 500ms;
      proxy_read_timeout 30s;
      add_header X-Served-By $upstream_addr always;
    }
  }
}
`;
}

async function untilAnswering(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries += 1) {
    const answer = await send(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer) return;
    await sleep(25);
  }
  throw new Error('nginx does not answer');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
