import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { costOf } from '../../support/timing.ts';
import { type Answer, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { faultsOf } from './calm.ts';
import { rawGet, sendRaw } from './raw.ts';

/**
 * What a request says of itself (misuse cases PX-01, PX-03, RC-03): nothing that leads anywhere is built from it, and an
 * address is believed from a proxy of ours alone.
 */
const telling: Record<string, string> = {
  'x-forwarded-host': 'evil.test',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '444',
  'x-forwarded-prefix': '/evil',
  'x-forwarded-server': 'evil.test',
  'x-forwarded-uri': '/account/sessions',
  'x-forwarded-method': 'DELETE',
  'x-original-url': '/account/sessions',
  'x-original-host': 'evil.test',
  'x-rewrite-url': '/account/sessions',
  'x-host': 'evil.test',
  'x-http-host-override': 'evil.test',
  'x-http-method-override': 'DELETE',
  forwarded: 'host=evil.test;proto=https',
  referer: 'https://evil.test/',
  via: '1.1 evil.test',
  'x-wap-profile': 'https://evil.test/',
  'base-url': 'https://evil.test',
};

/** All that is told, as it stands in an address: a few letters of it may stand in any id, a few digits in our own port. */
const elsewhere = /evil\.test|[@/]evil(?![\w-])|:444(?!\d)|https:/;

/** Everything in an answer that leads somewhere. */
function leadsTo({ headers, text }: Answer): string[] {
  const written = [...text.matchAll(/(?:href|action|src|content)="([^"]*)"/g)].map(
    ([, address = '']) => address,
  );
  return [headers.location ?? '', ...(headers['set-cookie'] ?? []), ...written, JSON.stringify(headers)];
}

describe.each([
  ['a proxy of ours passes on', ['127.0.0.1']],
  ['comes from anywhere', []],
])('what %s', (_what, proxies) => {
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await openWorld({ TRUSTED_PROXIES: proxies.join(',') });
    app = await openRelyingParty(world, { first_party: true });
  });
  afterAll(() => world.close());

  function visit(who: Person, url: string | URL, headers: Record<string, string>, body?: URLSearchParams) {
    return send(url, {
      ...(body ? { body } : {}),
      headers: {
        accept: 'text/html',
        cookie: who.cookieHeader(String(url)),
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    });
  }

  it('does not move the issuer, the links, the cookies or the pages', async () => {
    const ana = await world.account();
    const plain = await send(`${world.issuer}/.well-known/openid-configuration`);
    for (const [name, value] of Object.entries(telling)) {
      const headers = { [name]: value };
      const discovery = await send(`${world.issuer}/.well-known/openid-configuration`, { headers });
      expect(discovery.json).toEqual(plain.json);

      const who = world.person();
      const asked = await visit(who, app.asks().url, headers);
      expect(asked.status).toBe(303);
      expect(asked.headers.location).toMatch(/^\/interaction\/[\w-]{43}$/);
      expect(asked.headers['set-cookie']?.join()).not.toMatch(/; *(secure|domain)/i);
      await who.goes(app.asks().url);
      for (const answer of [
        await visit(who, who.url, headers),
        await visit(who, `${world.issuer}/account`, headers),
        await visit(who, `${world.issuer}/nothing`, headers),
        await visit(who, `${world.issuer}/logout`, headers),
      ]) {
        expect(leadsTo(answer).filter((where) => elsewhere.test(where))).toEqual([]);
        expect(faultsOf(answer)).toEqual([]);
      }
      const signedIn = await visit(
        who,
        `${who.url}/password`,
        headers,
        new URLSearchParams({ identifier: ana.identifier, password: ana.password }),
      );
      expect(signedIn.status).toBe(303);
      expect(signedIn.headers.location).toMatch(new RegExp(`^${world.issuer}/authorize/[\\w-]{43}$`));
    }
  });

  it('does not get into the links of a message', async () => {
    const ana = await world.account();
    const who = await world.person().goes(app.asks().url);
    const all = Object.fromEntries(Object.entries(telling).filter(([name]) => !name.includes('method')));
    const form = new URLSearchParams({ identifier: ana.identifier });
    expect((await visit(who, `${who.url}/forgot`, all, form)).status).toBe(303);
    const [message] = await world.outbox();
    expect(message?.to).toBe(ana.identifier);
    for (const link of message?.links ?? []) expect(link.startsWith(`${world.issuer}/`)).toBe(true);
    expect(JSON.stringify(message)).not.toMatch(elsewhere);
  });

  it('refuses every Host but the issuer’s, and every request line that names another', async () => {
    const own = new URL(world.issuer).host;
    const authorize = `/authorize?${app.asks().url.searchParams}`;
    const tricks: Record<string, [string, string[]]> = {
      'another host': [authorize, ['Host: evil.test']],
      'another port': [authorize, ['Host: localhost:1']],
      'the host with a dot': [authorize, [`Host: ${own.replace(':', '.:')}`]],
      'a user before it': [authorize, [`Host: a@${own}`]],
      'it as the user': [authorize, [`Host: ${own}@evil.test`]],
      'a port and a host': [authorize, [`Host: ${own}:1@evil`]],
      'a path behind it': [authorize, [`Host: ${own}/evil`]],
      'a comma': [authorize, [`Host: ${own}, evil.test`]],
      'two of them': [authorize, [`Host: ${own}`, 'Host: evil.test']],
      'two of them, the other first': [authorize, ['Host: evil.test', `Host: ${own}`]],
      'two alike': [authorize, [`Host: ${own}`, `Host: ${own}`]],
      'an indented one': [authorize, [`Host: ${own}`, ' Host: evil.test']],
      'a blank before the colon': [authorize, [`Host : ${own}`]],
      none: [authorize, []],
      nothing: [authorize, ['Host:']],
      'an absolute address': [`http://evil.test${authorize}`, [`Host: ${own}`]],
      'its own absolute address': [`${world.issuer}${authorize}`, [`Host: ${own}`]],
      'two slashes': [`//evil.test${authorize}`, [`Host: ${own}`]],
      'a backslash': [`/\\evil.test${authorize}`, [`Host: ${own}`]],
      'a NUL': [authorize, [`Host: ${own}\0`]],
      'an asterisk': ['*', [`Host: ${own}`]],
    };
    for (const [what, [target, headers]] of Object.entries(tricks)) {
      const answer = await sendRaw(world.port, rawGet(target, [...headers, 'Accept: text/html']));
      const said = `${what}: ${answer.status} ${answer.headers.location ?? ''}`;
      expect(said).toMatch(/: (400|404|421) $/);
      expect(leadsTo(answer).filter((where) => elsewhere.test(where))).toEqual([]);
    }
    const fine = await sendRaw(world.port, rawGet(authorize, [`Host: ${own}`]));
    expect(fine.headers.location).toMatch(/^\/interaction\//);
    // Load balancers ask by address.
    expect((await sendRaw(world.port, rawGet('/healthz', ['Host: 10.0.0.1']))).status).toBe(200);
  });

  it('tells the address of the sender, or else it is the socket’s', async () => {
    const odd = [
      '1.2.3.4',
      'unknown',
      '',
      '_hidden',
      '999.1.1.1',
      'fe80::1%eth0',
      `${'1.2.3.4, '.repeat(1200)}5.6.7.8`,
      '<b>',
      '1.2.3.4:99999999',
    ];
    const ana = await world.account();
    for (const address of odd) {
      const who = await world.person().goes(app.asks().url);
      const form = new URLSearchParams({ identifier: ana.identifier, password: ana.password });
      const answer = await visit(who, `${who.url}/password`, { 'x-forwarded-for': address }, form);
      expect(answer.status).toBe(303);
      const { ip } = await world.services.db
        .selectFrom('audit_events')
        .select('ip')
        .where('type', '=', 'account.signed_in')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      const believed =
        proxies.length > 0 ? (/(?:^|, )(\d\.\d\.\d\.\d)$/.exec(address)?.[1] ?? '127.0.0.1') : '127.0.0.1';
      expect(`${address.slice(0, 40)}: ${ip}`).toBe(`${address.slice(0, 40)}: ${believed}`);
    }
  });

  it('costs nothing to read, however long it is', async () => {
    const long = [
      ' '.repeat(7000),
      ','.repeat(7000),
      ';='.repeat(3500),
      'for='.repeat(1700),
      '"'.repeat(7000),
      ':'.repeat(7000),
    ];
    for (const name of ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-forwarded-proto'])
      for (const value of long) {
        const cost = await costOf(async () => {
          const answer = await send(`${world.issuer}/nothing`, {
            headers: { [name]: `a${value}b`, accept: 'text/html' },
          });
          expect(answer.status).toBe(404);
        });
        expect(cost).toBeLessThan(100);
      }
  });
});
