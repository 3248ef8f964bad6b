import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { registerClient } from '../../src/actions/register-client.ts';
import { assertionOf } from '../support/assertion.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Keys at an address of the app's whose host does as it likes (DC-07). */
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const right = JSON.stringify({
  keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }],
});

let world: World;
let host: Server;
let asked = 0;
const hosts: Record<string, (response: ServerResponse) => void> = {
  '/right': (response) => response.end(right),
  '/endless': (response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  },
  '/drip': (response) => {
    const timer = setInterval(() => response.write(' '), 100);
    response.on('close', () => clearInterval(timer));
  },
  '/many': (response) => {
    const keys = Array.from({ length: 10_000 }, () => publicKey.export({ format: 'jwk' }));
    response.end(JSON.stringify({ keys }));
  },
  '/half': (response) => response.end('{"keys":['),
  '/list': (response) => response.end('[1]'),
  '/trouble': (response) => response.writeHead(500).end(right),
  '/moved': (response) => response.writeHead(302, { location: '/right' }).end(),
};

beforeAll(async () => {
  host = createServer((request, response) => {
    asked += 1;
    hosts[request.url ?? '']?.(response);
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
});
afterAll(async () => {
  host.close();
  host.closeAllConnections();
  await world.close();
});

async function appAt(path: string): Promise<() => Promise<Answer>> {
  const added = await registerClient(world.services, {
    metadata: {
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `http://127.0.0.1:${(host.address() as AddressInfo).port}${path}`,
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  const { clientId } = added.client;
  return () =>
    send(`${world.issuer}/token`, {
      headers: { 'x-forwarded-for': newAddress() },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...assertionOf({ clientId, audience: world.issuer, privateKey }),
      }),
    });
}

it('proves an app by the key that is there, fetched once for twenty that come together', async () => {
  const asks = await appAt('/right');
  asked = 0;
  const answers = await Promise.all(Array.from({ length: 20 }, asks));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(asked).toBe(1);
});

it.each(Object.keys(hosts).filter((path) => path !== '/right'))(
  'proves nobody and waits no longer than it says, when the host does otherwise: %s',
  async (path) => {
    const asks = await appAt(path);
    const other = await openRelyingParty(world, { grant_types: ['client_credentials'], redirect_uris: [] });
    asked = 0;
    const begun = performance.now();
    const answers = Promise.all(Array.from({ length: 10 }, asks));
    // Others are served meanwhile.
    expect((await other.posts('token', { grant_type: 'client_credentials' })).status).toBe(200);
    for (const { status, json } of await answers) {
      expect([400, 401]).toContain(status);
      expect(json['error']).toMatch(/^invalid_client/);
    }
    // Who comes while it is asked waits for that answer.
    expect(asked).toBeLessThan(10);
    // 2.5 seconds, and the machine's own.
    expect(performance.now() - begun).toBeLessThan(10_000);
  },
);
