import { createHash } from 'node:crypto';
import { addAccount } from '../../src/accounts/account.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import type { NextStep } from '../../src/actions/sign-in.ts';
import { newId, newSecret } from '../../src/kit/secrets.ts';
import { openCookieKeys } from '../../src/oidc/cookie-keys.ts';
import { revokeGrants } from '../../src/oidc/grants.ts';
import { readSignInGeneration } from '../../src/oidc/interaction.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { type Answer, type Asked, headersOf, locationOf, newAddress, redirected } from './last-byte.ts';
import type { RaceWorld } from './race-world.ts';

/** People with browsers, and apps, as light as a race needs them: thousands of each are made. */
export type App = { clientId: string; redirectUri: string; basic: Record<string, string> };

export async function newApp(
  { desks: [desk] }: RaceWorld,
  metadata: Record<string, unknown> = {},
): Promise<App> {
  const redirectUri = 'https://app.example.test/callback';
  const added = await registerClient(desk, {
    // Public names, so that answers can be held against the account they are about.
    metadata: {
      client_name: 'Paperplane',
      redirect_uris: [redirectUri],
      subject_type: 'public',
      ...metadata,
    },
  });
  if (!added.ok) throw new Error(`no app: ${JSON.stringify(added)}`);
  const { clientId } = added.client;
  const basic = `Basic ${Buffer.from(`${clientId}:${added.clientSecret}`).toString('base64')}`;
  return { clientId, redirectUri, basic: { authorization: basic } };
}

/** An app of the company itself, that nobody is asked about. */
export const firstParty = { first_party: true, grant_types: ['authorization_code', 'refresh_token'] };

const verifier = 'a-code-verifier-that-is-as-long-as-they-are-usually-0123456789';
const challenge = createHash('sha256').update(verifier).digest('base64url');

export function authorizationRequest(app: App, more: Record<string, string> = {}): Record<string, string> {
  return {
    client_id: app.clientId,
    response_type: 'code',
    redirect_uri: app.redirectUri,
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  };
}

/** A form that an app sends with its secret. */
export function byApp({ basic }: App, path: string, form: NonNullable<Asked['form']>): Asked {
  return { path, headers: { ...basic, 'x-forwarded-for': newAddress() }, form };
}

export function redemption(app: App, code: string): Asked {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: app.redirectUri,
    code_verifier: verifier,
  };
  return byApp(app, '/token', form);
}

export function refreshing(app: App, refreshToken: string): Asked {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
  return byApp(app, '/token', form);
}

/** The cookies of somebody, and how their browser asks. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  request(path: string, form?: Asked['form'], address = newAddress()): Asked {
    const headers = {
      accept: 'text/html',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'x-forwarded-for': address,
      'sec-fetch-site': 'same-origin',
      ...(this.#cookies.size > 0
        ? { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; ') }
        : {}),
    };
    return { path, headers, ...(form ? { form } : {}) };
  }

  async asks({ nodes: [node] }: RaceWorld, path: string, form?: Asked['form']): Promise<Answer> {
    const answer = await node.ask(this.request(path, form));
    this.keeps(answer);
    return answer;
  }

  holds(cookie: string, value: string): void {
    this.#cookies.set(cookie, value);
  }

  keeps(answer: Answer): void {
    for (const line of headersOf(answer, 'set-cookie')) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }

  authorization(app: App, more: Record<string, string> = {}): Asked {
    return this.request(`/authorize?${new URLSearchParams(authorizationRequest(app, more))}`);
  }
}

export type Somebody = { accountId: string; address: string };

/** An account with a proved address and no password. */
export async function newAccount({ desks: [desk] }: RaceWorld): Promise<Somebody> {
  const address = `${newId().toLowerCase()}@example.com`;
  const contacts = [{ channel: 'email' as const, address, written: address, verified: true }];
  const added = await addAccount(desk, { profile: { name: 'Ada Example' }, contacts });
  if (!added.ok) throw new Error(added.reason);
  return { accountId: added.accountId, address };
}

/** An interaction that somebody just began. */
export type Visit = { browser: Browser; uid: string };

export async function visit(
  world: RaceWorld,
  app: App,
  { browser = new Browser(), ...more }: { browser?: Browser; scope?: string; prompt?: string } = {},
): Promise<Visit> {
  const answer = await browser.asks(world, browser.authorization(app, more).path);
  const uid = /\/interaction\/([\w-]+)$/.exec(locationOf(answer))?.[1];
  if (!uid)
    throw new Error(`no interaction: ${answer.status} ${locationOf(answer)} ${answer.body.slice(0, 500)}`);
  return { browser, uid };
}

/**
 * The same for somebody who is not signed in, as a copy of one that the server made: thousands are needed, and what is
 * raced comes after it.
 */
export async function newVisit(world: RaceWorld): Promise<Visit> {
  const [{ live, settings }] = world.desks;
  // It ends an hour after it began, and a long run takes longer.
  const lately = Math.floor(Date.now() / 600_000);
  const made = await world.once(`an interaction ${lately}`, async () => {
    const { uid } = await visit(world, await ourApp(world));
    const [entry] = await live.read([layout.interaction(uid)]);
    return { uid, value: entry?.value ?? '' };
  });
  const uid = newSecret();
  const value = made.value.replaceAll(made.uid, uid);
  await live.commit([{ do: 'add', key: layout.interaction(uid), value, ttlMs: 600_000 }]);
  const browser = new Browser();
  const name = `interaction.${uid}`;
  browser.holds(name, uid);
  browser.holds(`${name}.sig`, openCookieKeys(settings.COOKIE_KEYS ?? []).sign(`${name}=${uid}`));
  return { browser, uid };
}

/** Puts an interaction where a sign-in that came so far has it, without the passwords on the way, which are slow. */
export async function bringTo(
  { desks: [{ live, seals }] }: RaceWorld,
  { uid }: Pick<Visit, 'uid'>,
  step: Exclude<NextStep, { at: 'finished' }>,
): Promise<void> {
  await writeResult(live, uid, { progress: seals.seal(`interaction ${uid}`, JSON.stringify(step)) });
}

/** As after the last proof: what is left to do is to go on at `/authorize/<uid>`. */
export async function bringToTheEnd(
  { desks: [{ live }] }: RaceWorld,
  { uid }: Pick<Visit, 'uid'>,
  accountId: string,
  amr = ['pwd'],
): Promise<void> {
  const generation = await readSignInGeneration({ live }, accountId);
  const ts = Math.floor(Date.now() / 1000);
  await writeResult(live, uid, {
    login: { accountId, amr, ...(generation ? { generation } : {}), remember: false, ts },
  });
}

async function writeResult(live: RaceWorld['desks'][0]['live'], uid: string, result: object): Promise<void> {
  const key = layout.interaction(uid);
  const [entry] = await live.read([key]);
  if (!entry) throw new Error('the interaction is gone');
  const value = JSON.stringify({ ...JSON.parse(entry.value), result });
  const written = await live.commit([{ do: 'replace', key, expect: entry.value, value, ttlMs: 600_000 }]);
  if (!written.ok) throw new Error(`the interaction: ${written.reason}`);
}

/** Somebody who is signed in. */
export type Member = Somebody & { browser: Browser };

/** Of our app; for others they are asked. */
export async function newMember(world: RaceWorld): Promise<Member> {
  const somebody = await newAccount(world);
  const visiting = await newVisit(world);
  await bringToTheEnd(world, visiting, somebody.accountId);
  const { browser, uid } = visiting;
  const answer = await browser.asks(world, `/authorize/${uid}`);
  if (answer.status !== 303) throw new Error(`not signed in: ${answer.status} ${answer.body.slice(0, 500)}`);
  return { ...somebody, browser };
}

/** The person of a slot, who is signed in for all of its rounds. */
export function memberOf(world: RaceWorld, slot: number): Promise<Member> {
  return world.once(`member ${slot}`, () => newMember(world));
}

export function ourApp(world: RaceWorld): Promise<App> {
  return world.once('our app', () => newApp(world, firstParty));
}

/** A code under a grant of its own: whatever another round did to the one before is of no matter. */
export async function newCode(world: RaceWorld, member: Member, app: App, scope = 'openid'): Promise<string> {
  const { accountId, browser } = member;
  await revokeGrants(world.desks[0], { accountId, clientId: app.clientId });
  const answer = await browser.asks(world, browser.authorization(app, { scope }).path);
  const code = redirected(answer, 'code');
  if (!code) throw new Error(`no code: ${answer.status} ${locationOf(answer)} ${answer.body.slice(0, 500)}`);
  return code;
}
