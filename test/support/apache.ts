import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram, freePort } from './servers.mjs';

/**
 * A private Apache httpd with modules that guard pages on a loopback port, from a folder of its own: the system's service and
 * its configuration are not touched. TEST_APACHE says where the program is (scripts/test.mjs finds or installs it).
 */
export type Apache = { origin: string; log(): string; stop(): Promise<void> };

const modules = '/usr/lib/apache2/modules';
const needed = {
  mpm_event: 'event',
  authn_core: 'authn_core',
  authz_core: 'authz_core',
  authz_user: 'authz_user',
  dir: 'dir',
  env: 'env',
  mime: 'mime',
  include: 'include',
};

export async function startApache(
  guardedBy: 'auth_openidc' | 'oauth2',
  configure: (origin: string) => string,
): Promise<Apache> {
  const program = process.env['TEST_APACHE'];
  if (!program) throw new Error('TEST_APACHE is not set: run the tests with npm test');
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-apache-'));
  const pages = path.join(folder, 'pages');
  const guarded = [path.join(pages, 'protected'), path.join(pages, 'api')];
  for (const one of guarded) mkdirSync(one, { recursive: true });
  // Started by root it becomes another user, who must be able to read its pages.
  for (const readable of [folder, pages, ...guarded]) chmodSync(readable, 0o755);
  for (const one of guarded) writeFileSync(path.join(one, 'index.shtml'), page(shown));
  writeFileSync(path.join(pages, 'goodbye.html'), '<main><h1>Goodbye</h1></main>');
  const file = path.join(folder, 'httpd.conf');
  writeFileSync(file, configuration({ folder, pages, port, guardedBy, more: configure(origin) }));

  const guard = findProgram('setpriv');
  const command = [program, '-f', file, '-DFOREGROUND'];
  const [first = '', ...rest] = guard ? [guard, '--pdeathsig', 'SIGTERM', '--', ...command] : command;
  const child = spawn(first, rest, { stdio: 'ignore', cwd: folder });
  const exited = once(child, 'exit');
  const log = () => readFileSync(path.join(folder, 'error.log'), 'utf8');
  const answers = () =>
    fetch(`${origin}/goodbye.html`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await answers()); tries += 1) {
    if (tries > 1200 || child.exitCode !== null) {
      const said = log();
      child.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`Apache does not start:\n${said}`);
    }
    await sleep(50);
  }
  return {
    origin,
    log,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the protected page shows of what Apache knows about the person. */
const shown = [
  'REMOTE_USER',
  ...['OIDC_CLAIM_sub', 'OIDC_CLAIM_email', 'OIDC_CLAIM_name', 'OIDC_access_token'],
  ...['OAUTH2_CLAIM_client_id', 'OAUTH2_CLAIM_scope', 'OAUTH2_CLAIM_aud'],
];

function page(variables: string[]): string {
  const lines = variables.map((name) => `<code id="${name}"><!--#echo var="${name}" --></code>`);
  return `<main><h1>Protected</h1>${lines.join('\n')}</main>`;
}

function configuration(given: {
  folder: string;
  pages: string;
  port: number;
  guardedBy: string;
  more: string;
}): string {
  const { folder, pages, port, guardedBy, more } = given;
  const loads = Object.entries({ ...needed, [guardedBy]: guardedBy }).map(
    ([file, name]) => `LoadModule ${name === 'event' ? 'mpm_event' : name}_module ${modules}/mod_${file}.so`,
  );
  return `
ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
LogLevel warn ${guardedBy}:info
${loads.join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
Mutex file:${folder} default
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
DocumentRoot ${pages}
TypesConfig /dev/null
DirectoryIndex index.shtml
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
<Directory ${pages}>
  Options +Includes
  Require all granted
</Directory>
${more}
`;
}
