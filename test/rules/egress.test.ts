import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createListener, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isPublicAddress } from '../../src/kit/public-address.ts';
import { openEgress } from '../../src/oidc/egress.ts';
import { fetchBytes } from '../../src/web/egress.ts';
import { timed } from '../support/timing.ts';

const closed = { settings: { ALLOW_LOOPBACK_FETCH: false } };
const open = { settings: { ALLOW_LOOPBACK_FETCH: true } };
const asked = { mostBytes: 1000, accept: 'image/png' };
const outcome = async (context: Parameters<typeof fetchBytes>[0], url: string) => {
  const fetched = await fetchBytes(context, { url: new URL(url), ...asked });
  return fetched.ok ? fetched.bytes.toString() : fetched.reason;
};

describe('an address of the public internet', () => {
  it.each([
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '198.20.0.1',
    '2606:4700::1111',
  ])('is %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
    ...[
      '172.31.255.255',
      '192.0.0.1',
      '192.0.2.1',
      '192.168.1.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
    ],
    ...['224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1'],
    ...[
      '::ffff:1.1.1.1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '100::1',
      '2001::1',
      '2001:db8::1',
    ],
    ...[
      '2002:7f00:1::',
      '3fff::1',
      'fc00::1',
      'fd12::1',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'ff02::1',
      '4000::1',
    ],
    ...['', 'localhost', '127.1', '2130706433', '0x7f.1', '1.1.1.1.'],
  ])('is not %j', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('fetching from this machine (misuse case DC-05)', () => {
  const touched: Socket[] = [];
  const canary = createListener((socket) => {
    touched.push(socket);
    socket.destroy();
  });
  let port: number;
  beforeAll(async () => {
    await once(canary.listen(0, '::'), 'listening');
    port = (canary.address() as AddressInfo).port;
  });
  afterAll(() => {
    canary.close();
  });

  const hosts = [
    ...['localhost', '127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '0.0.0.0', '[::1]', '[::]'],
    ...[
      '[::ffff:127.0.0.1]',
      '[64:ff9b::7f00:1]',
      'localhost.',
      'a.localhost',
      '169.254.169.254',
      '10.0.0.1',
    ],
  ];

  it('reaches nothing, whatever the address looks like', async () => {
    for (const host of hosts)
      for (const url of [`https://${host}:${port}/`, `http://${host}:${port}/`, `ftp://${host}:${port}/`]) {
        const from = [url, await outcome(closed, url)];
        expect(from).toEqual([url, 'not_allowed']);
        await expect(openEgress(closed)(url, {})).rejects.toThrow(/port 443/);
      }
    for (const url of ['file:///etc/passwd', 'gopher://localhost:6379/_x', 'data:text/plain,x', 'unix:/x'])
      expect([url, await outcome(closed, url)]).toEqual([url, 'not_allowed']);
    expect(touched).toEqual([]);
  });

  it('is refused on the usual port, too, before anything is connected to', async () => {
    for (const host of hosts.filter((name) => !name.includes('localhost')))
      expect([host, await outcome(closed, `https://${host}/`)]).toEqual([host, 'not_public']);
  });

  it.each([
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    // One of several is enough: the connection might be made to any.
    ['1.1.1.1', '192.168.0.1'],
    ['2606:4700::1111', 'fd00::1'],
    [],
  ])('is refused when a name leads there: %j %j', async (...addresses) => {
    let lookups = 0;
    const resolve = ((_host: string, _options: object, answer: (...found: unknown[]) => void) => {
      lookups += 1;
      answer(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    }) as never;
    expect(await outcome({ ...closed, resolve }, 'https://logos.example/logo.png')).toBe('not_public');
    expect(lookups).toBe(1);
  });

  it('does not happen through the engine when its guard is not there', async () => {
    await expect(openEgress(closed)('https://logos.example/jwks', {})).rejects.toThrow(/guard/);
  });
});

describe('what is fetched', () => {
  const asks: { url: string | undefined; headers: object }[] = [];
  const answers: Record<string, (answer: ServerResponse) => void> = {
    '/logo': (answer) => answer.end('a picture'),
    '/redirect': (answer) => answer.writeHead(302, { location: '/logo' }).end(),
    '/gone': (answer) => answer.writeHead(404).end('a picture'),
    '/partial': (answer) => answer.writeHead(206).end('a picture'),
    '/large': (answer) => answer.end('x'.repeat(1001)),
    '/stream': (answer) => {
      const more = setInterval(() => answer.write('x'.repeat(400)), 1);
      answer.once('close', () => clearInterval(more));
    },
    '/drip': (answer) => {
      const more = setInterval(() => answer.write('x'), 50);
      answer.once('close', () => clearInterval(more));
    },
    '/cut': (answer) => {
      answer.writeHead(200, { 'content-length': '100' });
      answer.write('x', () => answer.destroy());
    },
    '/silent': () => {},
    '/headers': (answer) => answer.writeHead(200, { 'x-long': 'x'.repeat(100_000) }).end(),
  };
  const http = createServer((ask, answer) => {
    asks.push({ url: ask.url, headers: ask.headers });
    answers[ask.url ?? '']?.(answer);
  });
  let origin: string;
  beforeAll(async () => {
    await once(http.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    http.close();
    http.closeAllConnections();
  });

  it.each([
    ['/logo', 'a picture'],
    ['/redirect', 'redirected'],
    ['/gone', 'not_there'],
    ['/partial', 'not_there'],
    ['/large', 'too_large'],
    ['/stream', 'too_large'],
    ['/cut', 'unreachable'],
    ['/headers', 'unreachable'],
  ])('%s is %s', async (place, expected) => {
    expect(await outcome(open, `${origin}${place}`)).toBe(expected);
  });

  it('comes in time or not at all, however slowly it begins or drips', async () => {
    const { value, ms } = await timed(() =>
      Promise.all(['/silent', '/drip'].map((place) => outcome(open, `${origin}${place}`))),
    );
    expect(value).toEqual(['too_slow', 'too_slow']);
    expect(ms).toBeLessThan(3500);
  });

  it('is asked for once, says what is wanted, and carries nothing that is ours', async () => {
    asks.length = 0;
    await outcome(open, `${origin}/redirect`);
    const host = origin.slice('http://'.length);
    const headers = { accept: 'image/png', 'accept-encoding': 'identity', 'user-agent': 'latchkey' };
    expect(asks).toEqual([{ url: '/redirect', headers: { ...headers, host, connection: 'close' } }]);
  });

  it('needs a host that answers, and TLS where the address says https', async () => {
    expect(await outcome(open, origin.replace('http:', 'https:'))).toBe('unreachable');
    expect(await outcome(open, 'http://127.0.0.1:1/')).toBe('unreachable');
    const resolve = ((_host: string, _options: object, answer: (error: Error) => void) =>
      answer(new Error('no such name'))) as never;
    expect(await outcome({ ...closed, resolve }, 'https://nowhere.example/')).toBe('unreachable');
  });
});
