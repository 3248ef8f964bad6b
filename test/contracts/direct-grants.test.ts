import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient, enableClient } from '../../src/actions/disable-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { endSessions } from '../../src/oidc/sessions.ts';
import { type Granted, grantsBothWays, type Make, type Ready } from '../support/grants-both-ways.ts';
import type { Person } from '../support/person.ts';
import { type Attempt, arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { type Form, type Way, wentDirect } from '../support/two-ways.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * Codes and refresh tokens that are granted without the engine's models (src/oidc/direct/plain-grants.ts), held against the
 * engine's own way: the same answers, ID tokens and records, and of what is refused the same words.
 */
const lasting = 'openid profile email offline_access';
const ofSession = 'openid profile email';
const graceIsOver = 10 * 60_000;

describe.each(worldKinds)('grants without the engine on $name', ({ open }) => {
  let world: World;
  let account: TestAccount;
  let picky: TestAccount;
  let app: RelyingParty;
  let other: RelyingParty;
  const apps: Record<string, RelyingParty> = {};
  beforeAll(async () => {
    world = await open();
    account = await world.account();
    picky = await world.account();
    app = await openRelyingParty(world, { id_token_signed_response_alg: 'ES256' });
    other = await openRelyingParty(world, { id_token_signed_response_alg: 'ES256' });
    const openApp = async (name: string, metadata: object) => {
      apps[name] = await openRelyingParty(world, { ...metadata });
    };
    await openApp('RS256', {});
    await openApp('EdDSA', { id_token_signed_response_alg: 'EdDSA' });
    await openApp('public', { token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' });
    await openApp('pairwise', { subject_type: 'pairwise', id_token_signed_response_alg: 'ES256' });
    await openApp('PS256', { id_token_signed_response_alg: 'PS256' });
  });
  afterAll(() => world?.close());

  /** `lately`: signed in for this, which decides times that are compared. */
  type Signed = { by?: RelyingParty; as?: TestAccount; params?: Form; lately?: boolean };

  let person: Person | undefined;
  /** Who is signed in already, where it makes no difference: a password takes its time. */
  function whoSigns({ as, lately }: Signed): Person {
    if (as || lately) return world.person();
    person ??= world.person();
    return person;
  }

  async function code(signed: Signed = {}): Promise<Ready & { form: Form }> {
    const { by = app, as = account, params = {} } = signed;
    const { code, attempt } = await by.getsCode(whoSigns(signed), as, { scope: lasting, ...params });
    return { by, form: redeeming(by, code, attempt) };
  }

  const redeeming = ({ redirectUri }: RelyingParty, code: string, { verifier }: Attempt): Form => ({
    ...{ grant_type: 'authorization_code', code },
    ...{ redirect_uri: redirectUri, code_verifier: verifier },
  });

  async function signedIn({ url }: Attempt, { identifier, password }: TestAccount) {
    const person = await world.person().goes(url);
    return person.submits({ identifier, password });
  }

  async function refresh(signed: Signed = {}, more: Form = {}): Promise<Ready> {
    const { by = app, as = account, params = {} } = signed;
    const tokens = await by.signsIn(whoSigns(signed), as, { scope: lasting, ...params });
    return { by, form: again(tokens.refresh_token, more) };
  }

  const again = (token: unknown, more: Form = {}) => ({
    grant_type: 'refresh_token',
    refresh_token: String(token),
    ...more,
  });

  const changed = async (ready: Promise<Ready>, form: Form, by?: RelyingParty): Promise<Ready> => {
    const made = await ready;
    return { ...made, ...(by ? { by } : {}), form: { ...made.form, ...form } };
  };

  const without = async (ready: Promise<Ready>, name: string): Promise<Ready> => {
    const { form, ...made } = await ready;
    return { ...made, form: Object.fromEntries(Object.entries(form).filter(([one]) => one !== name)) };
  };

  /** The direct way answers, and the engine's models had no part in it. */
  function expectOurs({ direct, engine }: Record<Way, Granted>) {
    expect([direct.answer.status, direct.answer.json['error']]).toEqual([200, undefined]);
    expect([wentDirect(direct.answer), direct.saves, engine.saves]).toEqual([true, 0, 1]);
  }

  const granted: Record<string, Make> = {
    'a code': () => code(),
    'a code, with the secret in the form': async () => ({ ...(await code()), inForm: true }),
    'a code for as long as the session': () => code({ params: { scope: ofSession } }),
    'a code of a public app': () => code({ by: apps['public'] as RelyingParty }),
    'a code, signed with EdDSA': () => code({ by: apps['EdDSA'] as RelyingParty }),
    'a code, signed with RS256': () => code({ by: apps['RS256'] as RelyingParty }),
    'a code, for a pairwise subject': () => code({ by: apps['pairwise'] as RelyingParty }),
    'a refresh token': () => refresh(),
    'a refresh token of a public app': () => refresh({ by: apps['public'] as RelyingParty }),
    'a refresh token, for a pairwise subject': () => refresh({ by: apps['pairwise'] as RelyingParty }),
    'a refresh token for fewer scopes': () => refresh({}, { scope: 'email openid' }),
    'a refresh token without openid': () => refresh({}, { scope: 'email' }),
    'a refresh token after a month': async () => {
      const made = await refresh({ lately: true });
      world.advance(29 * 24 * 60 * 60_000);
      return made;
    },
    'the successor of a refresh token': async (ask) => {
      const { by, form } = await refresh();
      const first = await ask({ by, form });
      return { by, form: again(first.json['refresh_token']) };
    },
    'a code of somebody who left a scope out': async () => {
      const asked = app.asks({ scope: `${lasting} phone` });
      const person = await signedIn(asked, picky);
      if (!person.left) await person.decides('allow', { scope: ['offline_access'] });
      return { by: app, form: redeeming(app, String(arrivalOf(person).searchParams.get('code')), asked) };
    },
  };

  it.each(Object.keys(granted))('grants %s as the engine does', async (name) => {
    expectOurs(await grantsBothWays(world, granted[name] as Make));
  });

  it('tells who signed in, by the name that the app knows', async () => {
    const { direct } = await grantsBothWays(world, () => code());
    const { idToken } = direct.stored as { idToken: { claims: [string, unknown][] } };
    expect(Object.fromEntries(idToken.claims)).toMatchObject({ sub: account.accountId, aud: app.clientId });
  });

  it('gives who repeats a refresh, or comes with two at once, the same token, as the engine does', async () => {
    const repeated = await grantsBothWays(world, async (ask) => {
      const made = await refresh();
      const [first, beside] = await Promise.all([ask(made), ask(made)]);
      expect([first.status, beside.status]).toEqual([200, 200]);
      expect(first.json['refresh_token']).toBe(beside.json['refresh_token']);
      const { refresh_token: same } = first.json;
      const after = async () => expect(repeats.add(String(same)).size).toBeLessThanOrEqual(2);
      return { ...made, after };
    });
    expectOurs(repeated);
    for (const way of ['direct', 'engine'] as const)
      expect(repeats).toContain(String(repeated[way].answer.json['refresh_token']));
  });
  const repeats = new Set<string>();

  const refused: Record<string, Make> = {
    'a wrong verifier': () => changed(code(), { code_verifier: 'x'.repeat(43) }),
    'a verifier that is none': () => changed(code(), { code_verifier: 'short' }),
    'a verifier of strange characters': () => changed(code(), { code_verifier: 'ä'.repeat(43) }),
    'no verifier': () => without(code(), 'code_verifier'),
    'another redirect URI': () => changed(code(), { redirect_uri: 'https://elsewhere.example.test/' }),
    'no redirect URI': () => without(code(), 'redirect_uri'),
    'no code': () => without(code(), 'code'),
    'a code of another app': () => changed(code(), {}, other),
    'a code that is none': () => changed(code(), { code: 'nonsense' }),
    'a code with another secret': async () => {
      const made = await code();
      const { code: given = '' } = made.form;
      return changed(code(), { code: `${given.slice(0, 22)}${'x'.repeat(43)}` });
    },
    'a used code': async (ask) => {
      const made = await code();
      expect((await ask(made)).status).toBe(200);
      return made;
    },
    'a code that has ended': async () => {
      const made = await code({ lately: true });
      world.advance(61_000);
      return made;
    },
    'a code of a session that has ended': async () => {
      const as = await world.account();
      const made = await code({ as, params: { scope: ofSession } });
      await endSessions(world.services, { accountId: as.accountId });
      return made;
    },
    'a code after consent was withdrawn': async () => {
      const as = await world.account();
      const made = await code({ as });
      await withdrawConsent(world.services, { accountId: as.accountId, clientId: app.clientId });
      return made;
    },
    'a code of a suspended account': async () => {
      const as = await world.account();
      const made = await code({ as });
      await suspendAccount(world.services, { accountId: as.accountId, reason: 'test' });
      return made;
    },
    'a code of an app that was stopped': () => ofStopped(code({ by: other })),
    'a refresh token of an app that was stopped': () => ofStopped(refresh({ by: other })),
    'a refresh token of another app': () => changed(refresh(), {}, other),
    'a refresh token that is none': () => changed(refresh(), { refresh_token: 'nonsense' }),
    'no refresh token': () => without(refresh(), 'refresh_token'),
    'a refresh token for more scopes': () => refresh({}, { scope: 'openid phone' }),
    'a refresh token for an unknown scope': () => refresh({}, { scope: 'openid nonsense' }),
    'a refresh token that nobody used for too long': async () => {
      const made = await refresh({ lately: true });
      world.advance(31 * 24 * 60 * 60_000);
      return made;
    },
    'a refresh token of a suspended account': async () => {
      const as = await world.account();
      const made = await refresh({ as });
      await suspendAccount(world.services, { accountId: as.accountId, reason: 'test' });
      return made;
    },
    'a refresh token after consent was withdrawn': async () => {
      const as = await world.account();
      const made = await refresh({ as });
      await withdrawConsent(world.services, { accountId: as.accountId, clientId: app.clientId });
      return made;
    },
    'a refresh token that was used long ago': async (ask) => {
      const made = await refresh({ lately: true });
      expect((await ask(made)).status).toBe(200);
      world.advance(graceIsOver);
      return made;
    },
    'a refresh token whose successor was used': async (ask) => {
      const made = await refresh();
      const first = await ask(made);
      expect((await ask({ ...made, form: again(first.json['refresh_token']) })).status).toBe(200);
      return made;
    },
  };

  async function ofStopped(ready: Promise<Ready>): Promise<Ready> {
    const [made, clientId] = [await ready, other.clientId];
    await disableClient(world.services, { clientId, reason: 'test' });
    return { ...made, after: () => enableClient(world.services, { clientId }) };
  }

  it.each(Object.keys(refused))('refuses %s as the engine does', async (name) => {
    const { direct } = await grantsBothWays(world, refused[name] as Make);
    expect(direct.answer.status).toBeGreaterThanOrEqual(400);
  });

  const special: Record<string, Make> = {
    'an algorithm that few ask for': () => code({ by: apps['PS256'] as RelyingParty }),
    'a level that was asked for': () => code({ params: { acr_values: 'urn:latchkey:acr:1fa' } }),
    'the age of a sign-in that was asked for': () => code({ params: { max_age: '600' } }),
    'claims by name': () =>
      code({ params: { claims: JSON.stringify({ id_token: { email: null, acr: null } }) } }),
    'claims by name, later': () =>
      refresh({ params: { claims: JSON.stringify({ userinfo: { email: { essential: true } } }) } }),
  };

  it.each(Object.keys(special))('leaves %s to the engine', async (name) => {
    const { direct, engine } = await grantsBothWays(world, special[name] as Make);
    expect([direct.answer.status, direct.saves, engine.saves]).toEqual([200, 1, 1]);
  });
});
