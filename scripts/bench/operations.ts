import {
  basicOf,
  benchPassword,
  machineApp,
  offlineApp,
  personAddress,
  resourceServer,
  signInApp,
} from './apps.ts';
import type { Work } from './load.ts';
import type { Member } from './members.ts';
import { authorizePath, codeOf, nextAddress, signIn, tokensFor, tokensOf, withWire } from './members.ts';
import type { Target, TargetName } from './targets.ts';
import { type Answered, headerOf, requestText } from './wire.ts';

/** What is measured. `prepare` runs before each round and outside of it; `work` is one operation. */
export type Operation = {
  name: string;
  prepare(target: Target, amount: Amount): Promise<Work>;
  /** Where it makes sense; everywhere when absent. */
  only?: readonly TargetName[];
};

/** `operations`: how many to prepare of what is used up. */
export type Amount = { workers: number; operations: number };

export const operations: readonly Operation[] = [
  {
    name: 'client_credentials',
    prepare: async (target) =>
      again(ask(target, '/token', { app: machineApp, form: { grant_type: 'client_credentials' } })),
  },
  {
    name: 'code_exchange',
    async prepare(target, { workers, operations }) {
      const members = await membersOf(target, offlineApp, workers);
      const codes = await withWire(target, async (wire) => {
        const made: string[] = [];
        for (let place = 0; place < operations; place += 1)
          made.push(codeOf(await wire.send(at(members, place).authorize())));
        return made;
      });
      let next = 0;
      return async (wire) => {
        const code = codes[next];
        if (code === undefined) return 'done';
        const member = at(members, next++);
        tokensOf(await wire.send(member.redeem(code)));
      };
    },
  },
  { name: 'refresh', prepare: withTokens(refreshing) },
  { name: 'introspection', prepare: withTokens(introspecting) },
  { name: 'userinfo', prepare: withTokens(readingUserinfo) },
  {
    name: 'sso_code_flow',
    async prepare(target, { workers }) {
      const members = await membersOf(target, signInApp, workers);
      return async (wire, worker) => {
        const member = at(members, worker);
        const code = codeOf(await wire.send(member.authorize()));
        tokensOf(await wire.send(member.redeem(code)));
      };
    },
  },
  {
    name: 'discovery',
    prepare: async (target) => again(ask(target, '/.well-known/openid-configuration')),
  },
  { name: 'jwks', prepare: async (target) => again(ask(target, '/jwks')) },
  { name: 'password_sign_in', only: ['redis', 'embedded'], prepare: preparePasswords },
];

type Tokens = Record<string, string>;

function withTokens(make: (target: Target, tokens: readonly Tokens[]) => Work): Operation['prepare'] {
  return async (target, { workers }) =>
    make(target, await tokensFor(target, await membersOf(target, offlineApp, workers)));
}

/** A refresh token is good once: whoever takes one from the front puts the next of its chain at the end. */
export function refreshing(target: Target, tokens: readonly Tokens[]): Work {
  const held = tokens.map((one) => String(one['refresh_token']));
  return async (wire) => {
    const form = { grant_type: 'refresh_token', refresh_token: held.shift() ?? '' };
    const answered = await wire.send(ask(target, '/token', { app: offlineApp, form }));
    held.push(String(tokensOf(answered)['refresh_token']));
  };
}

export function introspecting(target: Target, tokens: readonly Tokens[]): Work {
  const requests = tokens.map(({ access_token: token = '' }) =>
    ask(target, '/introspect', { app: resourceServer, form: { token, token_type_hint: 'access_token' } }),
  );
  return inTurns(requests, '"active":true');
}

export function readingUserinfo(target: Target, tokens: readonly Tokens[]): Work {
  const requests = tokens.map(({ access_token: token }) =>
    ask(target, '/userinfo', { headers: { authorization: `Bearer ${token}` } }),
  );
  return inTurns(requests, '@example.com');
}

function inTurns(requests: readonly string[], expected: string): Work {
  let turn = 0;
  return async (wire) => {
    const answered = await wire.send(at(requests, turn++));
    if (!answered.body.includes(expected)) refuse(answered);
  };
}

export function operationNamed(name: string): Operation {
  const found = operations.find((one) => one.name === name);
  if (!found) throw new Error(`there is no operation ${name}`);
  return found;
}

/** The form with the right password, until the answer that sends the signed-in person on. */
async function preparePasswords(target: Target, { workers, operations }: Amount): Promise<Work> {
  const forms = await withWire(target, async (wire) => {
    const made: string[] = [];
    for (let number = 0; number < operations; number += 1) {
      const from = { 'user-agent': 'bench', 'x-forwarded-for': nextAddress() };
      const begun = await wire.send(
        ask(target, authorizePath(signInApp), { headers: { ...from, cookie: 'none=1' } }),
      );
      const cookie = [...begun.head.matchAll(/\r\nset-cookie: ([^;\r]+)/gi)].map(([, pair]) => pair);
      const page = new URL(headerOf(begun, 'location') ?? '', target.issuer).pathname;
      made.push(
        ask(target, `${page}/password`, {
          headers: {
            ...from,
            cookie: cookie.join('; '),
            origin: target.issuer,
            'sec-fetch-site': 'same-origin',
          },
          form: { identifier: personAddress(number % workers), password: benchPassword },
        }),
      );
    }
    return made;
  });
  let next = 0;
  return async (wire) => {
    const form = forms[next++];
    if (form === undefined) return 'done';
    const answered = await wire.send(form);
    if (answered.status !== 303 || !headerOf(answered, 'location')?.includes('/authorize/')) refuse(answered);
  };
}

function ask(
  { issuer }: Target,
  path: string,
  {
    app,
    headers,
    form,
  }: {
    app?: Parameters<typeof basicOf>[0];
    headers?: Record<string, string>;
    form?: Record<string, string>;
  } = {},
): string {
  return requestText(new URL(issuer).host, {
    path,
    headers: { ...headers, ...(app ? basicOf(app) : {}) },
    ...(form ? { form } : {}),
  });
}

function again(request: string): Work {
  return async (wire) => {
    const answered = await wire.send(request);
    if (answered.status !== 200) refuse(answered);
  };
}

function refuse({ head, body }: Answered): never {
  throw new Error(`not the answer that was expected:\n${head}\n\n${body.slice(0, 500)}`);
}

function at<Item>(items: readonly Item[], place: number): Item {
  return items[place % items.length] as Item;
}

const known = new Map<Target, Map<unknown, Member[]>>();

/**
 * One for each worker. Ours stay signed in for the whole run. At the plain targets everybody signs in anew for each
 * round: the engine's map forgets all but the last thousand records, and its adapters keep a list for each grant that
 * grows with every token, which would make the yardstick slower than it is in life.
 */
async function membersOf(target: Target, app: typeof offlineApp, workers: number): Promise<Member[]> {
  const ofTarget = known.get(target) ?? new Map<unknown, Member[]>();
  known.set(target, ofTarget);
  const kept = target.ours && ofTarget.get(app);
  if (kept) return kept;
  const members: Member[] = [];
  for (let number = 0; number < workers; number += 1) members.push(await signIn(target, app, number));
  ofTarget.set(app, members);
  return members;
}
