import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../../support/person.ts';
import { newAddress, send } from '../../support/wire.ts';
import type { World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';
import { faultsOf, gist } from './calm.ts';
import { malformedBodies, markup } from './malformed.ts';
import { formsOf, type OwnForm, type OwnRoute, ownRoutes, parkPeople } from './own-routes.ts';
import { rawGet, sendRaw } from './raw.ts';

// Hundreds of requests, one after the other, on a machine that does other things too.
const sweep = 600_000;

/**
 * Our own pages, by their router tables: whatever comes in, something calm goes out (misuse cases HT-07, HT-09, HT-11).
 * PostgreSQL and Redis look at text otherwise than SQLite does: a NUL is an error to one of them.
 */
describe.each(worldKinds)('our pages on $name', ({ open }) => {
  let world: World;
  let routes: OwnRoute[];
  let forms: OwnForm[];
  beforeAll(async () => {
    world = await open();
    routes = ownRoutes(world);
    forms = await formsOf(world, await parkPeople(world));
  });
  afterAll(async () => {
    await world.close();
  });

  /** A form for each POST route, those that do something at once last: after them the person stands elsewhere. */
  function aFormEach(): { route: OwnRoute; form: OwnForm }[] {
    const posts = routes.filter(({ methods }) => methods.includes('POST'));
    const pairs = posts.flatMap((route) => {
      const form = forms.find(({ action }) => route.fits(new URL(action).pathname));
      return form ? [{ route, form }] : [];
    });
    const bare = posts.filter((route) => !pairs.some((pair) => pair.route === route)).map(({ path }) => path);
    if (bare.length > 0)
      throw new Error(`nobody comes by a form for ${bare.join(', ')}: park somebody in own-routes.ts`);
    return pairs.toSorted((a, b) => Number(a.form.fields.length === 0) - Number(b.form.fields.length === 0));
  }

  function posts({ who, action }: OwnForm, body: string | Buffer, headers: Record<string, string>) {
    return send(action, {
      method: 'POST',
      body,
      headers: {
        accept: 'text/html',
        'x-forwarded-for': newAddress(),
        'sec-fetch-site': 'same-origin',
        cookie: who.cookieHeader(action),
        ...headers,
      },
    });
  }

  it(
    'take no malformed form, and say so calmly',
    async () => {
      const faults: string[] = [];
      for (const { route, form } of aFormEach()) {
        for (const [what, { body, headers, refusedWith }] of Object.entries(malformedBodies(form.fields))) {
          const answer = await posts(form, body, headers);
          const said = `POST ${route.path}, ${what}: ${gist(answer)}`;
          for (const fault of faultsOf(answer, { sent: [markup] })) faults.push(`${said}: ${fault}`);
          const readsIt = form.fields.length > 0 && refusedWith.length > 0;
          if (readsIt && !refusedWith.includes(answer.status)) faults.push(`${said}, not ${refusedWith}`);
        }
      }
      expect(faults).toEqual([]);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
    sweep,
  );

  const junk = [
    '%00',
    'a%00b',
    '%ff%fe',
    '%c0%af',
    '%',
    '..%2f..%2fetc%2fpasswd',
    '__proto__',
    'constructor',
    encodeURIComponent(markup),
    '%e2%80%ae%0d%0aSet-Cookie:%20a=b',
    'a'.repeat(5000),
  ];
  const junkQueries = [
    'x=%ff',
    'x=%00&did=%00&state=%00&before=%00',
    'did=a&did=b&state=a&state=b&before=a&before=b',
    'did[]=a&state[]=a&before[]=a',
    'did=__proto__&state=__proto__&before=__proto__&__proto__[polluted]=1',
    'did=constructor&state=toString',
    `did=${encodeURIComponent(markup)}&state=//evil.test&before=${encodeURIComponent(markup)}`,
    'state=/%5cevil.test&iss=https://evil.test&code=x&error=x&ui_locales=../../etc/passwd',
    '%',
    '&&&=&=',
    `x=${'a'.repeat(7000)}`,
  ];

  function gets(who: Person, target: string, method = 'GET') {
    const cookie = who.cookieHeader(`${world.issuer}${target.slice(0, 80)}`);
    const host = new URL(world.issuer).host;
    const headers = [
      `Host: ${host}`,
      'Accept: text/html',
      `Cookie: ${cookie}`,
      'Sec-Fetch-Site: same-origin',
    ];
    return sendRaw(world.port, rawGet(target, headers, method));
  }

  it(
    'answer addresses and queries that nobody of ours wrote',
    async () => {
      const { account, start } = await parkPeople(world);
      if (!account || !start) throw new Error('nobody to ask');
      const faults: string[] = [];
      const uid = new URL(start.url).pathname.split('/')[2] ?? '';
      for (const { path, methods } of routes.filter((route) => route.methods.includes('GET'))) {
        const who = path.startsWith('/interaction') ? start : account;
        const targets = [
          ...junkQueries.map((query) => `${path.replace(/:\w+/, uid)}?${query}`),
          ...(path.includes(':') ? junk.map((text) => path.replace(/:\w+/, () => text)) : []),
          ...junk.map((text) => `${path.replace(/:\w+/, uid)}/${text}`),
        ];
        for (const target of targets)
          for (const method of ['GET', 'HEAD'].filter((one) => methods.includes(one))) {
            const answer = await gets(who, target, method);
            if (method === 'HEAD' && answer.status < 500 && answer.status > 0) continue;
            const location = answer.headers.location ?? '/';
            if (!/^\/(?![\\/])/.test(location)) faults.push(`${target} leads to ${location}`);
            const sent = [markup, 'Set-Cookie: a=b'];
            for (const fault of faultsOf(answer, { sent }))
              faults.push(`${method} ${target.slice(0, 99)}: ${fault}`);
          }
      }
      expect(faults).toEqual([]);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
    sweep,
  );

  it(
    'say where nothing is, and which methods there are',
    async () => {
      const faults: string[] = [];
      const nobody = world.person();
      for (const text of [
        ...junk,
        'wp-login.php',
        '.git/config',
        'assets/nothing.css',
        'assets/%00',
        'account/%ff',
        'dev',
        '/evil.test',
        'interaction',
        'interaction/',
        'favicon.ico',
        'robots.txt',
      ]) {
        const answer = await gets(nobody, `/${text}`);
        if (![404, 410, 303, 400, 421].includes(answer.status)) faults.push(`/${text}: ${gist(answer)}`);
        for (const fault of faultsOf(answer, { sent: [markup] }))
          faults.push(`/${text.slice(0, 60)}: ${fault}`);
      }
      const known = new Map<string, string[]>();
      for (const { path, methods } of routes) known.set(path, [...(known.get(path) ?? []), ...methods]);
      for (const [path, methods] of known)
        for (const method of ['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'POST', 'GET', 'OPTIONS']) {
          if (methods.includes(method)) continue;
          const answer = await gets(nobody, path.replace(/:\w+/, 'a'), method);
          const allow = (answer.headers.allow ?? '').split(', ');
          const said = `${method} ${path}: ${gist(answer)} ${allow}`;
          if (method !== 'OPTIONS' && answer.status !== 405) faults.push(said);
          if (method === 'OPTIONS' && answer.status !== 200 && answer.status !== 204) faults.push(said);
          if (!methods.every((one) => allow.includes(one))) faults.push(`${said}: not ${methods}`);
          for (const fault of faultsOf(answer)) faults.push(`${said}: ${fault}`);
        }
      expect(faults).toEqual([]);
    },
    sweep,
  );

  it(
    'take cookies that are none of ours for none',
    async () => {
      const { start, account } = await parkPeople(world);
      if (!account || !start) throw new Error('nobody to ask');
      const uid = new URL(start.url).pathname.split('/')[2] ?? '';
      const good = account.cookieHeader(`${world.issuer}/account`);
      const session = /latchkey-session=([^;]+)/.exec(good)?.[1] ?? '';
      const cookies = [
        'latchkey-session',
        'latchkey-session=',
        '=;=;;;',
        'latchkey-session=%00; latchkey-session.sig=%00',
        'latchkey-session=%ff%fe',
        'latchkey-session="quoted"; latchkey-session.sig="quoted"',
        'latchkey-session=__proto__; latchkey-session.sig=__proto__; __proto__=x; constructor=y',
        `latchkey-session=${session}`,
        `latchkey-session=${session}; latchkey-session.sig=${'a'.repeat(43)}`,
        `latchkey-session=${session}; latchkey-session.sig=${'\u00e9'.repeat(9)}`,
        `${good.replace(session, session.toLowerCase())}`,
        `${good.replace(session, `${session}x`)}`,
        `${good.replace(session, session.slice(0, 43))}`,
        `interaction.${uid}=${uid}; interaction.${uid}.sig=x`,
        `interaction.__proto__=x; interaction.=y; interaction=z`,
        Array.from({ length: 150 }, (_, at) => `interaction.${at}=${uid}`).join('; '),
        `latchkey-session=${'a'.repeat(12_000)}`,
        `latchkey-session={"$gt":""}; latchkey-session.sig=[]`,
      ];
      const host = `Host: ${new URL(world.issuer).host}`;
      const faults: string[] = [];
      for (const cookie of cookies)
        for (const path of [
          '/account',
          '/account/sessions',
          `/interaction/${uid}`,
          `/authorize/${uid}`,
          '/logout',
        ]) {
          const answer = await sendRaw(
            world.port,
            rawGet(path, [host, 'Accept: text/html', `Cookie: ${cookie}`]),
          );
          const said = `${path} with ${cookie.slice(0, 50)}: ${gist(answer)}`;
          for (const fault of faultsOf(answer)) faults.push(`${said}: ${fault}`);
          // Nobody is signed in by it, nor back in the middle of somebody's sign-in.
          if (path.startsWith('/account') && answer.status !== 303) faults.push(said);
          if (path.startsWith('/interaction') && answer.status !== 410) faults.push(said);
        }
      expect(faults).toEqual([]);
    },
    sweep,
  );
});
