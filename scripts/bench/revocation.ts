import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { disableClient, enableClient } from '../../src/actions/disable-client.ts';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { listKeys, retireKey } from '../../src/oidc/keys/signing-keys.ts';
import { type OpenServices, openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { freePort } from '../../test/support/servers.mjs';
import { basicOf, machineApp, offlineApp, resourceServer } from './apps.ts';
import { addCrowd, type Copy } from './crowd.ts';
import { percentile } from './load.ts';
import { startMeasured } from './measured-process.ts';
import { signIn, tokensFor, withWire } from './members.ts';
import { openTarget, type Target } from './targets.ts';
import { requestText, type Wire } from './wire.ts';

/**
 * How long a token is still active on another process after it was revoked: two servers on one Redis and PostgreSQL, each
 * of them asked some forty questions a second, and the command line as a third process. One of them revokes; at the
 * other server a resource server asks about the token again and again, and again at once.
 *
 * `after` is when the last question was sent that was still answered with active, counted from the moment the revocation
 * was acknowledged; 0 when there was none. `within` counts from when the revocation was asked for to the first no.
 */
type Delay = { after: number; within: number };
type Bed = { target: Target; otherPort: number; services: OpenServices; probe: Wire };
type Way = {
  name: string;
  times: number;
  revoke(bed: Bed, copy: Copy, token: string): Promise<unknown>;
  /** What is asked about, where that is not the copy's access token. */
  token?(bed: Bed): Promise<string>;
  isGood?(bed: Bed, token: string): Promise<boolean>;
  after?(bed: Bed): Promise<unknown>;
};

const reason = 'the bench';
const ways: Way[] = [
  {
    name: 'the app revokes its refresh token',
    times: 100,
    revoke: ({ target }, { refreshToken }) =>
      withWire(target, (wire) => wire.send(post(target, '/revoke', { token: refreshToken }, offlineApp))),
  },
  {
    name: 'the person removes the app',
    times: 100,
    revoke: ({ services }, { accountId }) =>
      withdrawConsent(services, { accountId, clientId: offlineApp.clientId }),
  },
  {
    name: 'all sessions and access are ended',
    times: 100,
    revoke: ({ services }, { accountId }) => endAccountSessions(services, { accountId }),
  },
  {
    name: 'the account is suspended',
    times: 100,
    revoke: ({ services }, { accountId }) => suspendAccount(services, { accountId, reason }),
  },
  {
    // No grant dies with it: the other process has to hear of the app.
    name: 'the app is disabled: its own token',
    times: 50,
    token: machineToken,
    revoke: ({ services }) => disableClient(services, { clientId: machineApp.clientId, reason }),
    async after({ services }) {
      await enableClient(services, { clientId: machineApp.clientId });
      // What it is given within the second in which it was stopped is dead too.
      await sleep(1000);
    },
  },
  {
    // What the other process publishes is made of the keys that it keeps.
    name: 'a signing key is taken out',
    times: 50,
    token: async ({ services }) =>
      String(
        (await listKeys(services)).find(({ alg, state }) => alg === 'ES256' && state === 'signing')?.kid,
      ),
    isGood: isPublished,
    revoke: ({ services }, _copy, kid) => retireKey(services, { kid, replace: true }),
  },
];

export async function revocation(): Promise<void> {
  const target = await openTarget('redis', { people: 1 });
  const otherPort = await freePort();
  const other = await startMeasured('latchkey', { ...target.environment, PORT: String(otherPort) });
  const services = await openServices(readSettings({ ...target.environment, LOG_LEVEL: 'error' }));
  const load = { on: true };
  try {
    const [tokens] = await tokensFor(target, [await signIn(target, offlineApp, 0)]);
    const original = {
      accessToken: String(tokens?.['access_token']),
      refreshToken: String(tokens?.['refresh_token']),
    };
    const crowd = await addCrowd(services, original, { from: 0, to: 1000 });
    const busy = [target.port, otherPort].map((port) => keepBusy(target, port, crowd.slice(500), load));
    console.log(
      `${'milliseconds'.padEnd(36)}${['times', 'after p50', 'p99', 'max', 'within p50', 'p99', 'max'].map((name) => name.padStart(11)).join('')}`,
    );
    await withWire({ port: otherPort }, async (probe) => {
      for (const way of ways) await measure({ target, otherPort, services, probe }, way, crowd);
    });
    load.on = false;
    await Promise.all(busy);
  } finally {
    load.on = false;
    await services.close();
    await other.stop();
    await target.stop();
  }
}

async function measure(bed: Bed, way: Way, crowd: Copy[]): Promise<void> {
  const delays: Delay[] = [];
  for (const copy of crowd.splice(0, way.times)) {
    const token = way.token ? await way.token(bed) : copy.accessToken;
    const isGood = () => (way.isGood ?? isActive)(bed, token);
    while (!(await isGood())) await sleep(5);
    delays.push(await delayOf(isGood, () => way.revoke(bed, copy, token)));
    await way.after?.(bed);
  }
  const cells = (['after', 'within'] as const).flatMap((which) => {
    const all = delays.map((delay) => delay[which]);
    return [percentile(all, 0.5), percentile(all, 0.99), Math.max(...all)];
  });
  console.log(
    `${way.name.padEnd(36)}${String(delays.length).padStart(11)}${cells.map((ms) => ms.toFixed(1).padStart(11)).join('')}`,
  );
}

async function delayOf(isGood: () => Promise<boolean>, revoke: () => Promise<unknown>): Promise<Delay> {
  let acknowledged = Number.POSITIVE_INFINITY;
  const asked = performance.now();
  const revoking = revoke().then(() => {
    acknowledged = performance.now();
  });
  let lastActive = asked;
  for (;;) {
    const sent = performance.now();
    if (!(await isGood())) break;
    lastActive = sent;
    if (sent - asked > 10_000) throw new Error('it lives on');
  }
  const within = performance.now() - asked;
  await revoking;
  return { after: Math.max(0, lastActive - acknowledged), within };
}

async function isActive({ target, probe }: Bed, token: string): Promise<boolean> {
  const hinted = { token, token_type_hint: 'access_token' };
  const { status, body } = await probe.send(post(target, '/introspect', hinted, resourceServer));
  if (status !== 200) throw new Error(`introspection: ${status} ${body}`);
  return (JSON.parse(body) as { active: boolean }).active;
}

async function isPublished({ target, probe }: Bed, kid: string): Promise<boolean> {
  const { status, body } = await probe.send(requestText(new URL(target.issuer).host, { path: '/jwks' }));
  if (status !== 200) throw new Error(`jwks: ${status} ${body}`);
  return body.includes(`"${kid}"`);
}

async function machineToken({ target }: Bed): Promise<string> {
  return withWire(target, async (wire) => {
    for (;;) {
      const { status, body } = await wire.send(
        post(target, '/token', { grant_type: 'client_credentials' }, machineApp),
      );
      if (status === 200) return String((JSON.parse(body) as { access_token: string }).access_token);
      // It was disabled a moment ago, and this server hears now that it no longer is.
      await sleep(20);
    }
  });
}

/** Some forty questions a second. */
async function keepBusy(
  target: Target,
  port: number,
  copies: readonly Copy[],
  load: { on: boolean },
): Promise<void> {
  await withWire({ port }, async (wire) => {
    for (let place = 0; load.on; place += 1) {
      const copy = copies[place % copies.length] as Copy;
      await wire.send(post(target, '/introspect', { token: copy.accessToken }, resourceServer));
      await sleep(25);
    }
  });
}

function post(
  { issuer }: Target,
  path: string,
  form: Record<string, string>,
  app: typeof offlineApp,
): string {
  return requestText(new URL(issuer).host, { path, headers: basicOf(app), form });
}
