/**
 * Does time tell who has an account? Asks a real server, on a core of its own where taskset exists, for known and unknown
 * accounts in random order on one connection, and compares the times (Mann-Whitney: the share of pairs in which the first
 * is the slower; half is no difference). Not part of npm test: it takes minutes and wants a quiet machine.
 *
 *   node scripts/compare-times.ts [samples a class, 200 unless given]
 *
 * Each comparison comes with a control that must pass (two sets of unknown names) and one that must not (the same times
 * with ten milliseconds on top of every second). Fails when a comparison is further from half than chance explains.
 */
import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/support/servers.mjs';

const samples = Number(process.argv[2] ?? 200);
const warmUps = 30;
const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-times-'));
const port = await freePort();
const issuer = `http://localhost:${port}`;
const env = {
  ...process.env,
  ISSUER: issuer,
  PORT: String(port),
  DATA_DIR: folder,
  LOG_LEVEL: 'error',
  TRUSTED_PROXIES: '127.0.0.1',
};
const latchkey = path.join(import.meta.dirname, '../bin/latchkey.mjs');
const names = (kind: string) =>
  Array.from({ length: samples + warmUps }, (_, at) => `${kind}${at}@example.com`);
const classes = { known: names('known'), unknown: names('nobod'), 'unknown too': names('noone') };
type Class = keyof typeof classes;

const seed = path.join(folder, 'seed.json');
const accounts = classes.known.map((email) => ({
  email,
  email_verified: true,
  password: 'correct-horse-battery',
}));
const app = {
  client_id: 'times',
  client_name: 'Times',
  redirect_uris: ['https://times.example.test/callback'],
  token_endpoint_auth_method: 'none',
};
writeFileSync(seed, JSON.stringify({ accounts, apps: [app] }));
await ended(
  spawn(process.execPath, [latchkey, 'seed', seed], { env, stdio: ['ignore', 'ignore', 'inherit'] }),
);
const pinned = existsSync('/usr/bin/taskset') ? ['/usr/bin/taskset', '-c', '0'] : [];
const [program = '', ...args] = [...pinned, process.execPath, latchkey, 'start'];
const server = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let failed = false;
try {
  for (
    let tries = 0;
    tries < 100 && (await ask('/readyz').catch(() => undefined))?.status !== 200;
    tries += 1
  )
    await sleep(100);
  // Password tries of everybody together are limited to ten a second.
  failed =
    (await compare('a wrong password', 'password', 110, (identifier) => ({ identifier, password: 'no' }))) ||
    failed;
  failed = (await compare('a forgotten one', 'forgot', 0, (identifier) => ({ identifier }))) || failed;
} finally {
  agent.destroy();
  server.kill('SIGTERM');
  await ended(server);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

async function compare(
  what: string,
  page: string,
  pauseMs: number,
  form: (name: string) => Record<string, string>,
) {
  const times: Record<Class, number[]> = { known: [], unknown: [], 'unknown too': [] };
  const order = (Object.keys(classes) as Class[])
    .flatMap((kind) =>
      classes[kind].map((name, at) => ({ kind, name, late: at >= warmUps, key: randomInt(2 ** 40) })),
    )
    .toSorted((a, b) => Number(a.late) - Number(b.late) || a.key - b.key);
  for (const { kind, name, late } of order) {
    const { interaction, cookie } = await begin();
    const startedAt = performance.now();
    const { status } = await ask(`${interaction}/${page}`, { cookie, form: form(name) });
    const ms = performance.now() - startedAt;
    if (status !== 400 && status !== 303) throw new Error(`${what} was answered with ${status}`);
    if (late) times[kind].push(ms);
    await sleep(pauseMs);
  }
  const leaky = times['unknown too'].map((ms) => ms + 10);
  const told = judge(`${what}: known and unknown`, times.known, times.unknown);
  const negative = judge('  control, two kinds of unknown', times['unknown too'], times.unknown);
  const positive = judge('  control, ten milliseconds more', leaky, times.unknown);
  if (negative || !positive) console.log('  the controls say that this machine is too noisy to tell');
  return told;
}

/** Whether the two differ by more than chance explains: four standard deviations, and half a millisecond. */
function judge(what: string, some: number[], others: number[]): boolean {
  const [a, b] = [withoutSlowest(some), withoutSlowest(others)];
  const slower = a.flatMap((x) => b.map((y) => Number(x > y))).reduce((sum, one) => sum + one, 0);
  const share = slower / (a.length * b.length);
  const gap = median(a) - median(b);
  const chance = 4 * Math.sqrt((a.length + b.length + 1) / (12 * a.length * b.length));
  const differs = Math.abs(share - 0.5) > chance && Math.abs(gap) > 0.5;
  const figures = `${(100 * share).toFixed(1)} % (50 ± ${(100 * chance).toFixed(1)}), medians ${gap.toFixed(2)} ms apart`;
  console.log(`${what}: ${figures}: ${differs ? 'DIFFERENT' : 'alike'}`);
  return differs;
}

function withoutSlowest(times: number[]): number[] {
  return times.toSorted((a, b) => a - b).slice(0, Math.ceil(times.length * 0.95));
}

function median(sorted: number[]): number {
  return sorted[sorted.length >> 1] ?? 0;
}

async function begin(): Promise<{ interaction: string; cookie: string }> {
  const asked = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: app.redirect_uris[0] ?? '',
    response_type: 'code',
    scope: 'openid',
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update('x').digest('base64url'),
  });
  const { status, location, cookies } = await ask(`/authorize?${asked}`);
  if (status !== 303) throw new Error(`the authorization request was answered with ${status}`);
  return { interaction: location, cookie: cookies.map((line) => line.split(';')[0]).join('; ') };
}

type Reply = { status: number; location: string; cookies: string[] };

function ask(
  target: string,
  { cookie, form }: { cookie?: string; form?: Record<string, string> } = {},
): Promise<Reply> {
  const body = form && new URLSearchParams(form).toString();
  return new Promise((resolve, reject) => {
    const asked = request({
      agent,
      host: '127.0.0.1',
      port,
      path: target,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        host: new URL(issuer).host,
        'sec-fetch-site': 'same-origin',
        // An address of one's own each time, so that no limit of an address is met.
        'x-forwarded-for': `198.${randomInt(18, 20)}.${randomInt(256)}.${randomInt(256)}`,
        ...(cookie ? { cookie } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length }),
      },
    });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      const { location = '', 'set-cookie': cookies = [] } = answer.headers;
      answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, location, cookies }));
    });
    asked.end(body);
  });
}

function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
  });
}
