import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from 'otplib';
import type { Profile } from '../../src/accounts/profile.ts';
import { createAccount } from '../../src/actions/create-account.ts';
import { openApp, type Server } from '../../src/app.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { listOutbox, type OutboxMessage } from '../../src/mail/outbox.ts';
import { type OpenServices, openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { patient } from './patience.ts';
import { type Credentials, Person } from './person.ts';
import { giveRsaKey, layRecords } from './prepared-stores.ts';

/**
 * A whole server in a test: real stores, the real engine, a real port. Only the clock is ours, and it moves for
 * everything at once, the engine and the libraries of apps included, since all of them read Date.now.
 */
export type World = {
  issuer: string;
  port: number;
  services: OpenServices;
  /** The settings it was opened with, as the environment gives them. */
  environment: Record<string, string>;
  /** Lets time pass for everybody. Milliseconds. */
  advance(ms: number): void;
  /** Time stands still meanwhile, but for what it is moved by: for what must hold to the very moment, however long it takes. */
  still<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Somebody with an empty browser. */
  person(options?: { address?: string; language?: string; userAgent?: string }): Person;
  account(given?: NewTestAccount): Promise<TestAccount>;
  /** The newest first. */
  outbox(): Promise<OutboxMessage[]>;
  /** The newest code that was sent to this address. */
  codeSentTo(address: string): Promise<string>;
  /** A code of this secret that was not shown before: time passes until one begins, so it will be good for a minute. */
  freshCode(secret: string): Promise<string>;
  close(): Promise<void>;
};

type NewTestAccount = {
  email?: string;
  phone?: string;
  verified?: boolean;
  password?: string;
  totpSecret?: string;
  profile?: Profile;
};
export type TestAccount = Credentials & { accountId: string; totpSecret: string | undefined };

let people = 0;

/** `environment`: settings beside those of a world, such as a store. `beside`: another process on the same stores. */
export async function openWorld(
  environment: Record<string, string> = {},
  { beside }: { beside?: World } = {},
): Promise<World> {
  const listening = await listen();
  const { port } = listening.http.address() as AddressInfo;
  const folder = beside ? undefined : mkdtempSync(path.join(tmpdir(), 'latchkey-world-'));
  if (folder && !('DATA_DIR' in environment || 'DATABASE_URL' in environment)) layRecords(folder);
  const given = beside?.environment ?? {
    ISSUER: `http://localhost:${port}`,
    PORT: String(port),
    LOG_LEVEL: process.env['TEST_LOG'] ?? 'silent',
    // So that each person has an address of their own, and nobody uses up another's limits.
    TRUSTED_PROXIES: '127.0.0.1',
    ...patient,
    ...(folder ? { DATA_DIR: folder } : {}),
    ...environment,
  };
  const settings = readSettings(given);
  const time = openTime();
  const services = await openServices(settings, { clock: systemClock });
  // A world that does not come about must leave nothing running: the next file of this process would stumble over it.
  const server = await openPrepared(services).catch(async (error: unknown) => {
    listening.http.close();
    await services.close();
    throw error;
  });
  listening.http.on('request', server.answer);
  const issuer = settings.issuer.origin;

  return {
    issuer,
    port,
    services,
    environment: given,
    advance: time.advance,
    still: time.still,
    person: (options = {}) => new Person({ ...options, reach: (origin) => portOf(origin, { issuer, port }) }),
    account: (account) => addTestAccount(services, account),
    outbox: () => listOutbox(services, { limit: 100 }),
    codeSentTo: (address) => codeSentTo(services, address),
    async freshCode(secret) {
      const left = 30_000 - (Date.now() % 30_000);
      // Nor in the same second as what was before: some of what is compared counts in seconds.
      time.advance(left < 1000 ? left + 30_000 : left);
      return generate({ secret, epoch: Math.floor(Date.now() / 1000) });
    },
    async close() {
      await listening.close();
      await server.stop();
      await services.close();
      time.close();
      if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function openPrepared(services: OpenServices): Promise<Server> {
  await giveRsaKey(services);
  return openApp(services);
}

/** Listens before there is anything to answer with: the issuer has the port in it. */
async function listen(): Promise<{ http: HttpServer; close(): Promise<void> }> {
  // The side that asks lets go first: it may be asking on a connection at the very moment that this one closes it.
  const http = createServer({ keepAliveTimeout: 10 * 60_000 }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    http,
    async close() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

/** Everything on this machine can be visited, and the issuer whatever it is called. */
function portOf(origin: string, own: { issuer: string; port: number }): number | undefined {
  if (origin === own.issuer) return own.port;
  const { hostname, port } = new URL(origin);
  return ['localhost', '127.0.0.1'].includes(hostname) ? Number(port) : undefined;
}

let moved = 0;
let moving = 0;
let held: number | undefined;
let realNow: typeof Date.now | undefined;

/** Time goes on as it does, plus what it was moved by. Worlds of one test file share it, as processes do. */
function openTime() {
  if (!realNow) {
    const real = Date.now;
    realNow = real;
    Date.now = () => (held ?? real()) + moved;
  }
  const real = realNow;
  moving += 1;
  return {
    advance(ms: number) {
      moved += ms;
    },
    async still<Result>(work: () => Promise<Result>): Promise<Result> {
      if (held !== undefined) return work();
      held = real();
      try {
        return await work();
      } finally {
        // It goes on from where it stood.
        moved += held - real();
        held = undefined;
      }
    },
    close() {
      moving -= 1;
      if (moving > 0 || !realNow) return;
      Date.now = realNow;
      realNow = undefined;
      moved = 0;
    },
  };
}

/** Somebody who signed up some time ago. The address is proved unless said otherwise. */
async function addTestAccount(
  services: OpenServices,
  {
    email,
    phone,
    verified = true,
    password = 'correct-horse-battery',
    totpSecret,
    profile,
  }: NewTestAccount = {},
): Promise<TestAccount> {
  people += 1;
  const address = email ?? (phone ? undefined : `person${people}@example.com`);
  const contacts = [
    ...(address ? [{ channel: 'email' as const, address, written: address, verified }] : []),
    ...(phone ? [{ channel: 'phone' as const, address: phone, written: phone, verified }] : []),
  ];
  const created = await createAccount(services, {
    profile: profile ?? { name: `Person ${people}` },
    contacts,
    password,
    totpSecret,
  });
  if (!created.ok) throw new Error(`no test account: ${created.reason}`);
  return { accountId: created.accountId, identifier: address ?? phone ?? '', password, totpSecret };
}

async function codeSentTo(services: OpenServices, address: string): Promise<string> {
  const messages = await listOutbox(services, { limit: 100 });
  const code = messages.find(({ to, codes }) => to === address && codes.length > 0)?.codes[0];
  if (code === undefined) throw new Error(`no code was sent to ${address}`);
  return code;
}
