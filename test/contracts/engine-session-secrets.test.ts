import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seconds } from '../../src/kit/durations.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import type { LiveStep } from '../../src/store/live.ts';
import { isSilentAt, repeatedAfter } from '../support/cut-short.ts';
import { sendsAlone } from '../support/lone-form.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { type Careful, carefulAccount } from '../support/second-steps.ts';
import { meanwhile } from '../support/two-worlds.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** A session cookie that was copied, once its owner has another secret (misuse case SE-11). */
const changesSession = (steps: readonly LiveStep[]) =>
  steps.some(({ do: what, key }) => what === 'replace' && key.endsWith('}:s'));
/** Longer than a secret of before is taken. */
const longer = 31 * seconds;

describe.each(worldKinds)('the secret of a session on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let asking: RelyingParty;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, { first_party: true });
    asking = await openRelyingParty(world);
  });
  afterAll(() => world?.close());

  const ask = (url: string | URL, cookie: string) =>
    send(new URL(url, world.issuer), {
      headers: { cookie, accept: 'text/html', 'x-forwarded-for': newAddress() },
      port: world.port,
    });
  const cookiesOf = ({ headers }: Answer) =>
    [headers['set-cookie'] ?? []].flat().filter((cookie) => /session(\.sig)?=/.test(cookie));
  const isIn = async (cookie: string) => (await ask('/account', cookie)).status === 200;
  const staysIn = async (person: Person) => {
    await person.goes(`${world.issuer}/account`);
    return person.path === '/account';
  };
  /** On the page to change the password, with a proof that is fresh. */
  async function atPassword(account: TestAccount): Promise<Person> {
    const person = world.person();
    await app.signsIn(person, account);
    return person.goes(`${world.issuer}/account/password`);
  }
  const changesPassword = (person: Person, { password }: TestAccount) =>
    person.submits({ password, new_password: 'another-correct-horse-battery' });

  it('is out with a change of the password, whatever it is just writing', async () => {
    const account = await world.account();
    const person = await atPassword(account);
    const copied = person.cookieHeader(world.issuer);
    const met = meanwhile(world, changesSession, () => changesPassword(person, account));
    const answer = await ask('/logout', copied);
    expect([met.happened(), person.path, answer.status]).toEqual([true, '/account', 200]);
    expect(cookiesOf(answer)).toEqual([]);
    expect(await isIn(copied)).toBe(false);
    world.advance(longer);
    expect(await staysIn(person)).toBe(true);
  });

  it('is out also where the password was changed and the request failed after it', async () => {
    const account = await world.account();
    const person = await atPassword(account);
    const copied = person.cookieHeader(world.issuer);
    const generation = layout.generation(layout.accountGrants(account.accountId));
    let endings = 0;
    // All others are cut off before the change, and once more behind it.
    const silent = isSilentAt(world, (steps) => {
      const ends = steps.some(({ do: what, key }) => what === 'put' && key === generation);
      if (ends) endings += 1;
      return ends && endings > 1;
    });
    await changesPassword(person, account);
    silent.comesBack();
    expect([silent.happened(), person.status]).toEqual([true, 503]);
    expect(await isIn(copied)).toBe(false);
    world.advance(longer);
    expect(await staysIn(person)).toBe(true);
  });

  it('is out, and its owner is in, also where nobody heard that it was changed', async () => {
    const account = await world.account();
    const person = await atPassword(account);
    const copied = person.cookieHeader(world.issuer);
    const repeated = repeatedAfter(world, changesSession, async () => undefined);
    await changesPassword(person, account);
    expect([repeated.happened(), person.path, person.status]).toEqual([true, '/account', 200]);
    expect(await isIn(copied)).toBe(false);
    world.advance(longer);
    expect(await staysIn(person)).toBe(true);
  });

  it('does not rise with a step-up', async () => {
    const account: Careful = await carefulAccount(world);
    const person = world.person();
    await person.goes(`${world.issuer}/account`);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ code: await world.freshCode(account.totpSecret), trust_device: 'yes' });
    await person.presses('Sign out');
    await person.goes(app.asks().url);
    await person.submits({ identifier: account.identifier, password: account.password });
    const copied = person.cookieHeader(world.issuer);
    await person.goes(app.asks({ acr_values: 'urn:latchkey:acr:2fa' }).url);
    const code = await world.freshCode(account.totpSecret);
    const met = meanwhile(world, changesSession, () => person.submits({ code }));
    const answer = await ask('/logout', copied);
    expect([met.happened(), person.left?.searchParams.has('code')]).toEqual([true, true]);
    expect(cookiesOf(answer)).toEqual([]);
    expect(await isIn(copied)).toBe(false);
    expect(await staysIn(person)).toBe(true);
  });

  it('is not exchanged for a new one by who goes on while it changes', async () => {
    const account = await world.account();
    const person = await atPassword(account);
    const thief = world.person();
    for (const cookie of await person.cookies.getCookies(world.issuer))
      await thief.cookies.setCookie(cookie.toString(), world.issuer);
    await thief.goes(asking.asks({ scope: 'openid email' }).url);
    const met = meanwhile(world, changesSession, () => changesPassword(person, account));
    await thief.submits({ decision: 'allow', scope: 'email' });
    expect([met.happened(), thief.left, thief.status]).toEqual([true, undefined, 400]);
    expect(await staysIn(thief)).toBe(false);
    world.advance(longer);
    expect(await staysIn(person)).toBe(true);
  });

  it('is taken for a moment after a consent, changes nothing meanwhile, and is brought back to nobody', async () => {
    const account = await world.account();
    const person = world.person();
    await app.signsIn(person, account);
    const copied = person.cookieHeader(world.issuer);
    await person.goes(asking.asks({ scope: 'openid email' }).url);
    await person.submits({ decision: 'allow', scope: 'email' });
    expect(person.left?.searchParams.has('code')).toBe(true);
    for (const url of ['/logout', app.asks().url, '/logout']) {
      const answer = await ask(url, copied);
      expect([answer.status < 400, cookiesOf(answer)]).toEqual([true, []]);
      world.advance(5 * seconds);
    }
    expect(await isIn(copied)).toBe(true);
    world.advance(longer);
    expect(await isIn(copied)).toBe(false);
    expect(await staysIn(person)).toBe(true);
  });

  it('is the same one in the end for two tabs that went on at once', async () => {
    const account = await world.account();
    const person = world.person();
    await app.signsIn(person, account);
    const form = { decision: 'allow', scope: 'email' };
    await person.goes(asking.asks({ scope: 'openid email' }).url);
    const decided = await sendsAlone(person, { page: `${person.path}/consent`, form, port: world.port });
    const tab = String(decided.headers.location);
    const another = await openRelyingParty(world);
    await person.goes(another.asks({ scope: 'openid email' }).url);
    const header = person.cookieHeader(world.issuer);
    let first: Answer | undefined;
    const met = meanwhile(world, changesSession, async () => {
      first = await ask(tab, header);
      for (const cookie of cookiesOf(first)) await person.cookies.setCookie(cookie, world.issuer);
    });
    await person.submits(form);
    expect([met.happened(), first?.status, person.left?.searchParams.has('code')]).toEqual([true, 303, true]);
    world.advance(longer);
    expect(await staysIn(person)).toBe(true);
  });
});
