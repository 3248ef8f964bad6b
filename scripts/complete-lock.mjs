/**
 * Run after adding or updating a package: `npm run lock`.
 *
 * Packages with native code name one optional package per kind of machine. `npm install` silently leaves those out of
 * package-lock.json that the registry in use does not carry (yet), and then `npm ci` refuses the lock file on every
 * machine. This writes them in, with the exact version that is asked for and the machine they are for, so that npm
 * skips them here. They have no integrity hash, since nobody here has seen them; npm fills it in where it can.
 */
import fs from 'node:fs';
import path from 'node:path';

const file = path.join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
const { packages } = lock;

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'arm', 'x64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32'];

let added = 0;
for (const [place, { dev, optionalDependencies }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    if (packages[`${place}/node_modules/${name}`] || packages[`node_modules/${name}`]) continue;
    const words = name.split(/[/-]/);
    const os = systems.find((system) => words.includes(system));
    const cpu = processors.find((processor) => words.includes(processor));
    if (!os || !cpu || !/^\d/.test(version))
      throw new Error(`${place} wants ${name}@${version}: add it by hand`);
    const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : ['glibc'];
    packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(dev && { dev }),
      ...(os === 'linux' && { libc }),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages for other machines added to package-lock.json.`);
