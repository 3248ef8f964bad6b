import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lockAccount } from '../../../src/actions/lock-account.ts';
import { suspendAccount } from '../../../src/actions/suspend-account.ts';
import { startDelivery } from '../../../src/mail/delivery.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { startSmtpServer } from '../../support/smtp-server.ts';
import { untilWorks } from '../../support/timing.ts';
import { type Answer, newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { likeness, type Work, watchWork } from './watched.ts';

/**
 * Who has an account here is told to nobody who has not proved to be its owner (misuse cases SI-01, SI-23, RC-09): not
 * by words, status, headers, cookies, nor by what the server does meanwhile, which is what time would tell.
 */
const password = 'correct-horse-battery';
const wrong = 'incorrect-horse-battery';

// All of one length, so that lengths can be compared too.
const kinds = ['proved', 'nobody', 'locked', 'halted', 'claims', 'notext'] as const;
type Kind = (typeof kinds)[number];
let world: World;
let app: RelyingParty;
let watched: ReturnType<typeof watchWork>;
let rounds = 0;

beforeAll(async () => {
  world = await openWorld({ ADAPTIVE_CHECK: 'off' });
  app = await openRelyingParty(world, { first_party: true });
  watched = watchWork(world);
});
afterAll(() => world.close());

/** A fresh set of accounts, so that no test inherits another's counts. */
async function makeAccounts(): Promise<Record<Kind, string>> {
  rounds += 1;
  const address = (kind: Kind) => `${kind}${rounds}@example.com`;
  const made = async (kind: Kind, verified = true) =>
    world.account({ email: address(kind), password, verified });
  await made('proved');
  const locked = await made('locked');
  const halted = await made('halted');
  await made('claims', false);
  await made('notext');
  await world.services.db
    .deleteFrom('passwords')
    .where('account_id', '=', await idOf('notext'))
    .execute();
  expect(await lockAccount(world.services, { accountId: locked.accountId, reason: 'x' })).toHaveProperty(
    'ok',
    true,
  );
  expect(await suspendAccount(world.services, { accountId: halted.accountId, reason: 'x' })).toHaveProperty(
    'ok',
    true,
  );
  return Object.fromEntries(kinds.map((kind) => [kind, address(kind)])) as Record<Kind, string>;

  async function idOf(kind: Kind): Promise<string> {
    const found = await world.services.db
      .selectFrom('contacts')
      .select('account_id')
      .where('address', '=', address(kind))
      .executeTakeFirstOrThrow();
    return found.account_id;
  }
}

async function post(who: Person, url: string, fields: Record<string, string>): Promise<Answer> {
  return send(url, {
    body: new URLSearchParams(fields),
    headers: {
      accept: 'text/html',
      'accept-language': 'en',
      cookie: who.cookieHeader(url),
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': newAddress(),
    },
  });
}

async function get(who: Person, url: string): Promise<Answer> {
  return send(url, {
    headers: { accept: 'text/html', 'accept-language': 'en', cookie: who.cookieHeader(url) },
  });
}

/** `knownTo`: in a browser in which somebody else signed in before. */
async function atSignIn(knownTo?: { identifier: string; password: string }): Promise<Person> {
  const who = await world.person().goes(app.asks().url);
  if (!knownTo) return who;
  await who.signsIn(knownTo);
  for (const name of ['latchkey-session', 'latchkey-session.sig'])
    who.cookies.setCookieSync(`${name}=; Max-Age=0; Path=/`, world.issuer);
  return who.goes(app.asks().url);
}

type Seen = { looks: object; work: Work };

/** The same steps for each kind of account: every answer, the page that follows it, and the work for both. */
async function seenBy(
  addresses: Record<Kind, string>,
  steps: (interaction: string, typed: string) => { path: string; fields: Record<string, string> }[],
  knownTo?: { identifier: string; password: string },
): Promise<Record<Kind, Seen[]>> {
  const seen = {} as Record<Kind, Seen[]>;
  for (const kind of kinds) {
    const who = await atSignIn(knownTo);
    const typed = addresses[kind];
    seen[kind] = [];
    // What is told of time (when to come again) is the same then, however long the machine takes for each of them.
    await world.still(async () => {
      for (const { path, fields } of steps(who.url, typed)) {
        const given = 'code' in fields ? { ...fields, code: await unsentCode() } : fields;
        const [answer, work] = await watched.during(() => post(who, `${who.url}/${path}`, given));
        seen[kind].push({ looks: likeness(answer, { typed }), work });
        const [after, workAfter] = await watched.during(() => get(who, who.url));
        seen[kind].push({ looks: likeness(after, { typed }), work: workAfter });
      }
    });
  }
  return seen;
}

/** Six digits that nobody was sent. */
async function unsentCode(): Promise<string> {
  const sent = new Set((await world.outbox()).flatMap(({ codes }) => codes));
  const candidates = Array.from({ length: sent.size + 1 }, (_, at) => String(at).padStart(6, '0'));
  return candidates.find((code) => !sent.has(code)) ?? '';
}

function expectNoDifference(seen: Record<Kind, Seen[]>): void {
  for (const kind of kinds) expect({ kind, seen: seen[kind] }).toEqual({ kind, seen: seen.nobody });
}

describe('an account is not told from none', () => {
  it('by a wrong password', async () => {
    const seen = await seenBy(await makeAccounts(), (_, identifier) => [
      { path: 'password', fields: { identifier, password: wrong } },
    ]);
    expectNoDifference(seen);
    expect(seen.proved[0]?.work.hashes).toBe(1);
  });

  it('by a wrong password in a browser that somebody else is known by', async () => {
    const known = await world.account();
    const addresses = await makeAccounts();
    const seen = await seenBy(
      addresses,
      (_, identifier) =>
        Array.from({ length: 7 }, () => ({ path: 'password', fields: { identifier, password: wrong } })),
      known,
    );
    expectNoDifference(seen);
    expect(seen.proved[0]?.work.queries.some((sql) => sql.includes('known_browsers'))).toBe(true);
  });

  it('by asking for a reset, another code, and guessing it', async () => {
    const seen = await seenBy(await makeAccounts(), (_, identifier) => [
      { path: 'forgot', fields: { identifier } },
      { path: 'resend', fields: {} },
      ...Array.from({ length: 7 }, () => ({ path: 'reset-code', fields: { code: 'one that was not sent' } })),
      { path: 'resend', fields: {} },
    ]);
    expectNoDifference(seen);
    expect(seen.proved[0]?.looks).toMatchObject({ status: 303 });
  });

  it('by signing up with its address, asking for another code, and guessing it', async () => {
    const seen = await seenBy(await makeAccounts(), (_, identifier) => [
      { path: 'sign-up', fields: { name: 'Somebody', identifier, password: 'a password of mine' } },
      { path: 'resend', fields: {} },
      ...Array.from({ length: 7 }, () => ({ path: 'prove', fields: { code: 'one that was not sent' } })),
      { path: 'resend', fields: {} },
    ]);
    expectNoDifference(seen);
    expect(seen.proved[0]?.looks).toMatchObject({ status: 303 });
    expect(seen.proved[0]?.work.hashes).toBe(1);
  });

  it('by trying until it is throttled, and the right password then looks like a wrong one', async () => {
    const addresses = await makeAccounts();
    const seen = await seenBy(addresses, (_, identifier) => [
      ...Array.from({ length: 12 }, () => ({ path: 'password', fields: { identifier, password: wrong } })),
      { path: 'password', fields: { identifier, password } },
    ]);
    expectNoDifference(seen);
    for (const kind of kinds) expect(seen[kind].at(-2)).toEqual(seen[kind].at(-4));
    // Not kept out for good: a quarter of an hour later the right one is right.
    world.advance(16 * 60_000);
    const owner = await world.person().goes(app.asks().url);
    await owner.submits({ identifier: addresses.proved, password });
    expect(owner.left).toBeDefined();
  });

  it('by the number of messages that one address can be sent', async () => {
    const seen = await seenBy(await makeAccounts(), (_, identifier) =>
      Array.from({ length: 8 }, () => ({ path: 'forgot', fields: { identifier } })),
    );
    expectNoDifference(seen);
    expect(seen.proved.at(-2)?.looks).toMatchObject({ status: 429 });
  });

  it('tells a suspended one why only after every factor is proved', async () => {
    const { halted } = await makeAccounts();
    const person = await world.person().goes(app.asks().url);
    await person.submits({ identifier: halted, password: wrong });
    expect(person.errorCode).toBeUndefined();
    await person.submits({ identifier: halted, password });
    expect(person.errorCode).toBe('account_suspended');
    expect(person.cookieHeader()).not.toMatch(/(^|; )latchkey-session=/);
  });
});

describe('with a mail server', () => {
  it('the message leaves only after the answer did, so its way is not in the time of the answer', async () => {
    const smtp = await startSmtpServer();
    const sending = await openWorld({ SMTP_URL: smtp.url });
    const delivery = startDelivery(sending.services);
    try {
      const { url } = (await openRelyingParty(sending, { first_party: true })).asks();
      const watching = watchWork(sending);
      const { identifier } = await sending.account();
      const works: Work[] = [];
      for (const typed of [identifier, 'nobody-at-all@example.com']) {
        const who = await sending.person().goes(url);
        const [answer, work] = await watching.during(() =>
          post(who, `${who.url}/forgot`, { identifier: typed }),
        );
        expect(answer.status).toBe(303);
        works.push(work);
      }
      expect(works[0]).toEqual(works[1]);
      await untilWorks(5000, async () => expect(smtp.received).toHaveLength(1));
    } finally {
      await delivery.stop();
      await sending.close();
      await smtp.close();
    }
  });
});
