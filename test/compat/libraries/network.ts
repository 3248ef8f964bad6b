import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openAuthority } from '../../support/certificates.ts';

/**
 * A network of its own, with nothing in it but loopback, where Amazon's host names lead to this machine: libraries that know
 * no other address are tried as they are published, and no packet can leave. TEST_NAMESPACES says what makes it
 * (scripts/test-parts.mjs).
 */
export const issuerHost = 'id.latchkey.test';
export const amazonHosts = ['www.amazon.com', 'api.amazon.com', 'api.amazon.co.uk', 'api.amazon.co.jp'];

/** What one library came to: `problem` is what went wrong. */
export type Outcome = { name: string; seen?: unknown; problem?: string };

export async function runAmongAmazonHosts(script: string): Promise<Outcome[]> {
  const unshare = process.env['TEST_NAMESPACES'];
  if (!unshare) throw new Error('TEST_NAMESPACES is not set: run the tests with npm test');
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-network-'));
  const authority = openAuthority();
  const names = [issuerHost, ...amazonHosts];
  const own = authority.issues({
    subject: '/CN=latchkey',
    uses: 'serverAuth',
    san: names.map((name) => `DNS:${name}`).join(','),
  });
  const hosts = path.join(folder, 'hosts');
  writeFileSync(hosts, `127.0.0.1 localhost ${names.join(' ')}\n`);
  const child = spawn(
    'sh',
    [
      '-c',
      `exec ${unshare} sh -c 'ip link set lo up && mount --bind "$HOSTS" /etc/hosts && exec "$NODE" "$SCRIPT"'`,
    ],
    {
      env: {
        ...process.env,
        HOSTS: hosts,
        NODE: process.execPath,
        SCRIPT: script,
        TLS_KEY: own.files.key,
        TLS_CERTIFICATE: own.files.pem,
        NODE_EXTRA_CA_CERTS: authority.own.files.pem,
        NODE_NO_WARNINGS: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  let complaints = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  // One process all the way, so that one that hangs ends with what it was started by.
  const patience = setTimeout(() => child.kill('SIGKILL'), 90_000);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(patience);
  authority.close();
  rmSync(folder, { recursive: true, force: true });
  const marked = said.split('\n').filter((line) => line.startsWith('{"name":'));
  if (code !== 0 || marked.length === 0)
    throw new Error(`the libraries could not be tried:\n${said}${complaints}`);
  return marked.map((line) => JSON.parse(line) as Outcome);
}
