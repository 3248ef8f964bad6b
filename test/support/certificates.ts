import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A certificate authority in a folder of its own, on the machine's OpenSSL: what a company would have for its services. */
export type Issued = {
  pem: string;
  key: string;
  certificate: X509Certificate;
  files: { pem: string; key: string };
};
type Wanted = { subject?: string; san?: string; uses?: string; ca?: boolean; days?: number };

export function openAuthority(): Authority {
  return new Authority(mkdtempSync(path.join(tmpdir(), 'latchkey-ca-')));
}

export class Authority {
  readonly folder: string;
  readonly own: Issued;
  #made = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.own = this.selfSigned({ subject: '/CN=Test authority', ca: true });
  }

  selfSigned({ subject = '/CN=self', san, ca = false, days = 30 }: Wanted = {}): Issued {
    const files = this.#files();
    const extensions = [
      `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`,
      ...(san ? [`subjectAltName=${san}`] : []),
    ];
    openssl([
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
      ...['-subj', subject, '-days', String(days), '-keyout', files.key, '-out', files.pem],
      ...extensions.flatMap((one) => ['-addext', one]),
    ]);
    return read(files);
  }

  issues({ subject = '/CN=app', san, uses = 'clientAuth', ca = false, days = 30 }: Wanted = {}): Issued {
    const files = this.#files();
    const [request, extensions] = [`${files.pem}.csr`, `${files.pem}.ext`];
    openssl([
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-subj', subject],
      ...['-keyout', files.key, '-out', request],
    ]);
    const lines = [`basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`, `extendedKeyUsage=${uses}`];
    writeFileSync(extensions, [...lines, ...(san ? [`subjectAltName=${san}`] : [])].join('\n'));
    openssl([
      ...['x509', '-req', '-in', request, '-CA', this.own.files.pem, '-CAkey', this.own.files.key],
      ...['-CAcreateserial', '-days', String(days), '-extfile', extensions, '-out', files.pem],
    ]);
    return read(files);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #files() {
    this.#made += 1;
    const base = path.join(this.folder, String(this.#made));
    return { pem: `${base}.pem`, key: `${base}.key` };
  }
}

function read(files: { pem: string; key: string }): Issued {
  const pem = readFileSync(files.pem, 'utf8');
  return { pem, key: readFileSync(files.key, 'utf8'), certificate: new X509Certificate(pem), files };
}

function openssl(args: string[]): void {
  const program = process.env['TEST_OPENSSL'];
  if (!program) throw new Error('TEST_OPENSSL is not set: run the tests with npm test');
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
