import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../support/person.ts';
import { dataUri, picture, pngOfBytes } from '../support/pictures.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

/** The app's own server, which would learn who signs in if pages asked it for the logo. */
const asks: (string | undefined)[] = [];
const host = createServer((ask, answer) => {
  asks.push(ask.url);
  answer.end(picture('still.png'));
});
let world: World;
let logoUri: string;
beforeAll(async () => {
  await once(host.listen(0, '127.0.0.1'), 'listening');
  logoUri = `http://127.0.0.1:${(host.address() as AddressInfo).port}/logo.png`;
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
});
afterAll(async () => {
  host.close();
  await world.close();
});

/** The pictures on a page that are not the brand's own. */
function logosOn(person: Person): string[] {
  const sources = [...person.html.source.matchAll(/<img [^>]*src="([^"]*)"/g)].map(
    ([, source = '']) => source,
  );
  return sources.filter((source) => !source.startsWith('/assets/'));
}

/** What a browser would fetch to show the page. */
function fetchedBy(person: Person): string[] {
  const found = person.html.source.matchAll(
    /<(?:img|script|link|source|iframe|object|embed|video|audio|input)\b[^>]*?\s(?:src|href|srcset|data|poster)="([^"]*)"/g,
  );
  return [...found].map(([, address = '']) => address).filter((address) => !address.startsWith('data:'));
}

describe("an app's logo", () => {
  it('is on the pages that name the app, and nobody is asked for it but once, by us', async () => {
    const app = await openRelyingParty(world, { logo_uri: logoUri });
    expect(asks).toEqual(['/logo.png']);
    const account = await world.account();
    const person = world.person();
    const ours = dataUri(picture('still.png'));

    await person.goes(app.asks({ scope: 'openid email' }).url);
    expect([person.heading, ...logosOn(person)]).toEqual(['Sign in', ours]);
    await person.submits({ identifier: account.identifier, password: 'not the password' });
    expect([person.alert === undefined, ...logosOn(person)]).toEqual([false, ours]);
    await person.signsIn(account);
    expect([person.heading, ...logosOn(person)]).toEqual([
      `Allow ${app.name} to use your Latchkey account?`,
      ours,
    ]);
    // The name stands beside it, so it is not read aloud; its box is there before it is.
    expect(person.html.source).toContain(`<img src="${ours}" alt="" width="52" height="52">`);
    expect(fetchedBy(person).every((address) => address.startsWith('/assets/'))).toBe(true);
    expect(person.headers['content-security-policy']).toContain("img-src 'self' data:;");
    expect(person.text).toContain(new URL(app.redirectUri).host);

    await person.decides('allow');
    await person.goes(`${world.issuer}/account/apps`);
    expect([person.heading, ...logosOn(person)]).toEqual(['Apps with access', ours]);
    expect(fetchedBy(person).every((address) => address.startsWith('/assets/'))).toBe(true);
    expect(asks).toEqual(['/logo.png']);
  });

  it('is its initial where there is none', async () => {
    const app = await openRelyingParty(world, { client_name: 'öko', logo_uri: `${logoUri}?` });
    const plain = await openRelyingParty(world, { client_name: 'élan' });
    const person = world.person();
    await person.goes(plain.asks().url);
    expect(logosOn(person)).toEqual([]);
    await person.signsIn(await world.account());
    expect([person.html.textOf('span', { class: 'initial large' }), logosOn(person)]).toEqual(['É', []]);
    await person.goes(app.asks().url);
    expect(logosOn(person)).toHaveLength(1);
  });

  it('gives way to an initial on a list that would grow too heavy', async () => {
    const account = await world.account();
    const person = world.person();
    const large = dataUri(pngOfBytes(20_000));
    const small = dataUri(picture('still.png'));
    for (const logo_uri of [large, large, small]) {
      const app = await openRelyingParty(world, { logo_uri });
      await app.signsIn(person, account);
    }
    await person.goes(`${world.issuer}/account/apps`);
    expect(logosOn(person).sort()).toEqual([small, large].sort());
    expect(person.html.textsOf('span', { class: 'initial' })).toEqual(['P']);
    expect(person.html.source.length).toBeLessThan(40_000);
  });
});
