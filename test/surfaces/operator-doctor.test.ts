import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { examine } from '../../src/operator/doctor.ts';
import { withoutHaste } from '../support/doctor.ts';
import { openWorld, type World } from '../support/world.ts';

/** A server, and in front of it proxies that do what badly configured ones do. */
let world: World;
const proxies: Server[] = [];

beforeAll(async () => {
  world = await openWorld();
});
afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.close();
});
afterAll(() => world.close());

type Bent = { status: number; headers: IncomingHttpHeaders; body: string };

async function proxyThat(bend: (answer: Bent) => Bent, host?: (given: string) => string): Promise<number> {
  const proxy = createServer((asked, answer) => {
    const headers = { ...asked.headers, host: host?.(asked.headers.host ?? '') ?? asked.headers.host };
    const onward = request({ port: world.port, path: asked.url, method: asked.method, headers }, (came) => {
      let body = '';
      came.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      came.on('end', () => {
        const bent = bend({ status: came.statusCode ?? 0, headers: came.headers, body });
        const { 'content-length': _length, 'transfer-encoding': _encoding, ...kept } = bent.headers;
        answer.writeHead(bent.status, kept).end(bent.body);
      });
    });
    asked.pipe(onward);
  }).listen(0, '127.0.0.1');
  proxies.push(proxy);
  await once(proxy, 'listening');
  return (proxy.address() as AddressInfo).port;
}

async function findings(environment: Record<string, string> = {}) {
  const found = await examine({ ...world.environment, ...environment });
  return found.filter(({ verdict, finding }) => !withoutHaste(`${verdict} ${finding}`).startsWith('OK '));
}

/** As the doctor sees the server when ISSUER leads through the proxy; the server behind believes the same. */
async function throughProxy(port: number) {
  return findings({ ISSUER: `http://localhost:${port}` });
}

const asIs = (answer: Bent) => answer;
const own = () => new URL(world.issuer).host;

describe('the doctor on a running server', () => {
  it('has nothing to say where all is well', async () => {
    expect(await findings()).toEqual([]);
  });

  it('tells a server that goes by another name', async () => {
    const [found] = await findings({ ISSUER: `http://127.0.0.1:${world.port}` });
    expect(found).toMatchObject({ verdict: 'FAIL', about: 'proxy' });
    expect(found?.advice).toMatch(/same ISSUER/);
  });

  it('tells discovery of another issuer', async () => {
    const [found] = await throughProxy(await proxyThat(asIs, own));
    expect(found).toMatchObject({ verdict: 'FAIL', about: 'issuer' });
    expect(found?.finding).toContain(world.issuer);
    expect(found?.advice).toMatch(/letter by letter/);
  });

  it.each<[string, (answer: Bent) => Bent, string, RegExp]>([
    [
      'redirects',
      (a) => ({ ...a, status: 301, headers: { location: 'https://www.example.com/' } }),
      'issuer',
      /redirects to/,
    ],
    [
      'answers with a page of its own',
      (a) => ({ ...a, body: '<h1>It works!</h1>' }),
      'issuer',
      /not an OpenID provider/,
    ],
    ['is broken', (a) => ({ ...a, status: 502, body: 'Bad Gateway' }), 'issuer', /answers 502/],
    [
      'has a wrong clock',
      (a) => ({ ...a, headers: { ...a.headers, date: new Date(Date.now() - 60_000).toUTCString() } }),
      'clock',
      /behind/,
    ],
  ])('tells a proxy that %s', async (_, bend, about, sentence) => {
    const port = await proxyThat(({ body, ...answer }) => {
      const renamed = body.replaceAll(world.issuer, `http://localhost:${port}`);
      return bend({ ...answer, body: renamed });
    }, own);
    const found = (await throughProxy(port)).find((one) => one.about === about);
    expect(found).toMatchObject({ verdict: 'FAIL', finding: expect.stringMatching(sentence) });
    expect(found?.advice).toBeDefined();
  });

  it.each<[string, (cookies: string[]) => string[], RegExp]>([
    ['takes cookies away', () => [], /none is set/],
    ['lets scripts read cookies', (all) => all.map((one) => one.replace(/;\s*httponly/i, '')), /no HttpOnly/],
    ['drops SameSite', (all) => all.map((one) => one.replace(/;\s*samesite=\w+/i, '')), /no SameSite/],
  ])('tells a proxy that %s', async (_, bend, sentence) => {
    const port = await proxyThat(({ headers, body, status }) => {
      const here = `http://localhost:${port}`;
      const location = headers.location?.replaceAll(world.issuer, here);
      const cookies = bend(headers['set-cookie'] ?? []);
      const { 'set-cookie': _cookies, ...kept } = headers;
      return {
        status,
        body: body.replaceAll(world.issuer, here),
        headers: {
          ...kept,
          ...(location ? { location } : {}),
          ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
        },
      };
    }, own);
    const found = await throughProxy(port);
    expect(found[0]).toMatchObject({
      verdict: 'FAIL',
      about: 'cookies',
      finding: expect.stringMatching(sentence),
    });
  });

  it('finds the server behind an address that nothing answers at', async () => {
    const environment = { ISSUER: 'https://login.invalid', SMTP_URL: 'smtp://127.0.0.1:1' };
    const issuer = (await findings(environment)).find(({ about }) => about === 'issuer');
    expect(issuer).toMatchObject({ verdict: 'FAIL', advice: expect.stringMatching(/DNS/) });
  });
});
