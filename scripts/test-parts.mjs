/** What the suites need beside Node, where it is on this machine, and which test files cannot do without it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findProgram } from '../test/support/servers.mjs';

const apacheModule = (name) =>
  ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules']
    .map((folder) => path.join(folder, `mod_${name}.so`))
    .find((file) => fs.existsSync(file));

// Debian's Python, whose packages apt-get installs; another one may stand before it in the path.
const python = '/usr/bin/python3';
const pythonPackage = (name) => fs.existsSync(path.join('/usr/lib/python3/dist-packages', name));

/** What makes a network with nothing in it, where this machine allows it; tried, since only that tells. */
function findNamespaces() {
  const found = ['unshare -n -m', 'unshare -r -n -m'].find((unshare) => {
    const tried = spawnSync('sh', [
      '-c',
      `${unshare} sh -c 'ip link set lo up && mount --bind /etc/hosts /etc/hosts'`,
    ]);
    return tried.status === 0;
  });
  return process.platform === 'linux' ? found : undefined;
}

/**
 * `adapts`: a suite that runs on several stores leaves this one out by itself; only files that `cannotDoWithout` it are
 * left out whole.
 */
export const parts = [
  {
    name: 'Redis',
    setting: 'TEST_REDIS_URL',
    packages: ['redis-server'],
    find: () => findProgram('redis-server'),
    mentions: /TEST_REDIS_URL|startRedis/,
    cannotDoWithout: /startRedis(Cluster|Sentinel)?\(/,
  },
  {
    name: 'PostgreSQL',
    setting: 'TEST_POSTGRES_URL',
    packages: ['postgresql'],
    find: () => findProgram('postgres') && findProgram('initdb'),
    mentions: /TEST_POSTGRES_URL|startPostgres/,
    cannotDoWithout: /startPostgres\(/,
  },
  {
    name: 'nginx',
    setting: 'TEST_NGINX',
    packages: ['nginx'],
    find: () => findProgram('nginx'),
    mentions: /TEST_NGINX/,
    cannotDoWithout: /TEST_NGINX/,
  },
  {
    name: 'OpenSSL',
    setting: 'TEST_OPENSSL',
    packages: ['openssl'],
    find: () => findProgram('openssl'),
    mentions: /TEST_OPENSSL/,
    cannotDoWithout: /TEST_OPENSSL/,
  },
  {
    name: 'Network namespaces',
    setting: 'TEST_NAMESPACES',
    packages: ['util-linux', 'iproute2'],
    find: findNamespaces,
    hint: 'they need root, or a kernel that lets everybody have them (in Docker: --privileged), besides unshare and ip',
    mentions: /TEST_NAMESPACES/,
    cannotDoWithout: /TEST_NAMESPACES/,
  },
  {
    name: 'Chromium',
    setting: 'TEST_CHROMIUM',
    packages: ['chromium'],
    find: () => findProgram('chromium', 'chromium-browser', 'google-chrome'),
    mentions: /TEST_CHROMIUM/,
    cannotDoWithout: /TEST_CHROMIUM/,
  },
  {
    name: 'Apache with mod_auth_openidc',
    setting: 'TEST_APACHE',
    packages: ['apache2', 'libapache2-mod-auth-openidc'],
    find: () => apacheModule('auth_openidc') && findProgram('apache2', 'httpd'),
    mentions: /TEST_APACHE/,
    cannotDoWithout: /TEST_APACHE/,
  },
  {
    name: 'mod_oauth2 for Apache',
    setting: 'TEST_MOD_OAUTH2',
    packages: ['libapache2-mod-oauth2'],
    find: () => apacheModule('oauth2'),
    mentions: /TEST_MOD_OAUTH2/,
    cannotDoWithout: /TEST_MOD_OAUTH2/,
  },
  {
    name: 'Authlib with Flask',
    setting: 'TEST_AUTHLIB',
    packages: ['python3-authlib', 'python3-flask', 'python3-requests'],
    find: () => ['authlib', 'flask', 'requests'].every(pythonPackage) && fs.existsSync(python) && python,
    mentions: /TEST_AUTHLIB/,
    cannotDoWithout: /TEST_AUTHLIB/,
  },
];

/** The text of a test file and of everything in test/ that it imports, itself first. */
export function readWithImports(file, seen = new Map()) {
  if (seen.has(file) || !fs.existsSync(file)) return seen;
  const text = fs.readFileSync(file, 'utf8');
  seen.set(file, text);
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const imported = path.resolve(path.dirname(file), target);
    if (/[/\\]test[/\\]/.test(imported)) readWithImports(imported, seen);
  }
  return seen;
}

/** Programs are only mentioned where they are defined, or asked for where they are; that is no need of theirs. */
const isDefinition = (file) =>
  /[/\\]support[/\\](servers\.(mjs|d\.mts)|redis-topologies\.mjs|stores\.ts|live-homes\.ts)$/.test(file);

export function wants(file, part) {
  return [...readWithImports(file)].some(([, text]) => part.mentions.test(text));
}

export function cannotDoWithout(file, part) {
  return [...readWithImports(file)].some(([f, text]) => !isDefinition(f) && part.cannotDoWithout.test(text));
}

/** Installs Debian packages where that is allowed: as root, with apt-get. Their services are not started. */
export function install(packages) {
  const aptGet = findProgram('apt-get');
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !aptGet) return false;
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !fs.existsSync(policy);
  // Debian asks this file before it starts a service that was just installed; 101 means no.
  if (ours) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const apt = (...args) =>
    spawnSync(aptGet, ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    }).status === 0;
  try {
    const add = () => apt('install', '--no-install-recommends', ...packages);
    return add() || (apt('update') && add());
  } finally {
    if (ours) fs.rmSync(policy, { force: true });
  }
}
