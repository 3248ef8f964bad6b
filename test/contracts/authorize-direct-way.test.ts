import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  askBothWays,
  challenge,
  codeIn,
  comparable,
  inTwoBrowsers,
  kept,
  queryOf,
  type Sessions,
  wentDirect,
} from '../support/both-ways.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { Answer } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

const site = 'https://app.example.test/';
const all = 'openid profile email offline_access';

/** Somebody who is signed in and has decided is sent back without the engine's web application, and to the same. */
describe.each(worldKinds)('the direct way of people on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  let sessions: Sessions;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, {
      redirect_uris: ['callback', 'other?a=1&b=c', 'odd?a=1&b=%20c&d', 'taken?code=1', "o'clock"].map(
        (rest) => `${site}${rest}`,
      ),
    });
    account = await world.account();
    sessions = await inTwoBrowsers(world, { app, account, scope: all });
  });
  afterAll(() => world?.close());

  type More = { cookies?: Sessions; headers?: Record<string, string | undefined>; method?: string };

  async function both(query: string, { cookies = sessions, ...more }: More = {}) {
    const answers = await world.still(() => askBothWays(world, { query, cookies, ...more }));
    expect(comparable(answers.direct)).toEqual(comparable(answers.engine));
    expect(wentDirect(answers.engine)).toBe(false);
    return answers;
  }

  /** The same answer, the same records, and without the engine's web application. */
  async function goesDirect(query: string, more: More = {}): Promise<void> {
    const { direct, engine } = await both(query, more);
    expect(direct.status).toBe(303);
    expect(wentDirect(direct)).toBe(true);
    const { cookies = sessions } = more;
    const ours = await kept(world, direct, cookies.direct);
    const theirs = await kept(world, engine, cookies.engine);
    expect(ours.records).toEqual(theirs.records);
    // To the second in which each was made.
    ours.lasts.forEach((lasts, place) => {
      expect(Math.abs(lasts - Number(theirs.lasts[place]))).toBeLessThanOrEqual(2);
    });
  }

  async function leftToTheEngine(query: string, more: More = {}): Promise<Answer> {
    const { direct } = await both(query, more);
    expect(wentDirect(direct)).toBe(false);
    return direct;
  }

  it.each([
    ['as most apps ask', {}],
    ['for nothing but who somebody is', { scope: 'openid' }],
    ['for all that was allowed, in another order', { scope: 'email openid profile' }],
    ['for access while the person is away', { scope: all }],
    ['without a state', { state: undefined }],
    ['without a nonce', { nonce: undefined }],
    ['with a state of any characters', { state: 'é & = + % # ? "<\'> \u{1f600}\r\n/\\' }],
    ['with an address that has a query', { redirect_uri: `${site}other?a=1&b=c` }],
    ['with an address that has to be escaped on a page', { redirect_uri: `${site}o'clock` }],
    ['naming the usual way of the answer', { response_mode: 'query' }],
    ['with a language and a hint', { ui_locales: 'de fr', login_hint: 'somebody@example.com' }],
  ])('answers a request %s', async (_, changes) => {
    await goesDirect(queryOf(app, changes));
  });

  it.each([['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'], ['*/*']])(
    'answers who accepts %s',
    async (accept) => {
      await goesDirect(queryOf(app), { headers: { accept } });
    },
  );

  it.each<[string, Record<string, unknown>]>([
    ['has a name of its own for the person', { subject_type: 'pairwise' }],
    ['is public', { token_endpoint_auth_method: 'none' }],
    [
      'is told of sign-outs',
      { backchannel_logout_uri: 'https://app.example.test/out', backchannel_logout_session_required: true },
    ],
    ['is of the company', { first_party: true }],
    ['may ask for some scopes', { scope: 'openid email' }],
  ])('answers for an app that %s', async (_, metadata) => {
    const other = await openRelyingParty(world, metadata);
    await goesDirect(queryOf(other), { cookies: await inTwoBrowsers(world, { app: other, account }) });
  });

  it('notes that the session was used, and what outlives it, as the engine does', async () => {
    const cookies = await inTwoBrowsers(world, { app, account, scope: 'openid' });
    await goesDirect(queryOf(app, { scope: all }), { cookies });
    world.advance(6 * 60_000);
    await goesDirect(queryOf(app, { scope: 'openid' }), { cookies });
  });

  it('knows a second app in the session once the engine has made it a grant', async () => {
    const second = await openRelyingParty(world, {});
    await inTwoBrowsers(world, { app: second, account });
    const first = await leftToTheEngine(queryOf(second));
    expect(codeIn(first)).toBeDefined();
    await goesDirect(queryOf(second));
  });

  it('gives what was allowed, and tells the browser how long it is signed in, as the engine does', async () => {
    const other = await openRelyingParty(world, {});
    const comes = async () => {
      const person = world.person();
      await person.goes(other.asks({ scope: all }).url);
      const { identifier, password } = account;
      await person.submits({ identifier, password, remember: 'on' });
      if (!person.left) await person.decides('allow', { scope: ['email'] });
      return person.cookieHeader(`${world.issuer}/authorize`);
    };
    const cookies = { direct: await comes(), engine: await comes() };
    await goesDirect(queryOf(other, { scope: all }), { cookies });
    const { direct } = await both(queryOf(other, { scope: all }), { cookies });
    expect(direct.headers['set-cookie']?.join()).toMatch(/expires=.*expires=/);
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['prompt=none', { prompt: 'none' }],
    ['prompt=login', { prompt: 'login' }],
    ['prompt=consent', { prompt: 'consent' }],
    ['prompt=select_account', { prompt: 'select_account' }],
    ['max_age', { max_age: '100000' }],
    ['max_age of nothing', { max_age: '0' }],
    ['acr_values', { acr_values: 'urn:latchkey:acr:1fa' }],
    ['a level that was not reached', { acr_values: 'phr' }],
    ['claims', { claims: '{"id_token":{"email":null}}' }],
    ['id_token_hint', { id_token_hint: 'nonsense' }],
    ['request', { request: 'nonsense' }],
    ['request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:nonsense' }],
    ['registration', { registration: '{}' }],
    ['resource', { resource: 'https://api.example.test' }],
    ['authorization_details', { authorization_details: '[{"type":"payment"}]' }],
    ['dpop_jkt', { dpop_jkt: challenge }],
    ['display', { display: 'page' }],
    ['scope_data', { scope_data: '{}' }],
    ['a parameter nobody knows', { foo: 'bar' }],
    ['an empty parameter', { state: '' }],
    ['response_mode=fragment', { response_mode: 'fragment' }],
    ['response_mode=form_post', { response_mode: 'form_post' }],
    ['response_mode=nonsense', { response_mode: 'nonsense' }],
    ['response_type=code id_token', { response_type: 'code id_token' }],
    ['response_type=none', { response_type: 'none' }],
    ['no response_type', { response_type: undefined }],
    ['no client_id', { client_id: undefined }],
    ['an unknown app', { client_id: 'nobody' }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['an address whose query the engine would write anew', { redirect_uri: `${site}odd?a=1&b=%20c&d` }],
    ['an address that has such a parameter', { redirect_uri: `${site}taken?code=1` }],
    ['another redirect_uri', { redirect_uri: 'https://elsewhere.example.test/callback' }],
    ['a redirect_uri that is spelled otherwise', { redirect_uri: 'https://APP.example.test/callback' }],
    ['no scope', { scope: undefined }],
    ['no openid', { scope: 'email' }],
    ['an unknown scope', { scope: 'openid email nonsense' }],
    ['a scope twice', { scope: 'openid email email' }],
    ['a scope of wrong characters', { scope: 'openid "email' }],
    ['a scope that was not decided', { scope: 'openid phone' }],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a short challenge', { code_challenge: 'short' }],
    ['a challenge of wrong characters', { code_challenge: `${challenge}=` }],
    ['the challenge itself', { code_challenge_method: 'plain' }],
    ['no method of the challenge', { code_challenge_method: undefined }],
  ])('leaves to the engine a request with %s', async (_, changes) => {
    await leftToTheEngine(queryOf(app, changes));
  });

  it('leaves to the engine what is written twice, or not well', async () => {
    const plain = queryOf(app);
    for (const pair of plain.split('&')) {
      const name = pair.split('=')[0];
      for (const again of [`${plain}&${pair}`, `${plain}&${name}=other`, `${plain}&${name}`])
        await leftToTheEngine(again);
    }
    for (const odd of [
      `${plain}&`,
      `&${plain}`,
      `${plain}&=x`,
      `${plain}&__proto__=x`,
      `${plain}&login_hint=%ff`,
    ])
      await leftToTheEngine(odd);
    for (const odd of [
      `${plain}&login_hint=%`,
      `${plain}&login_hint=%zz`,
      plain.replace('client_id', 'client%5Fid'),
      '',
    ])
      await leftToTheEngine(odd);
    await leftToTheEngine(queryOf(app, { login_hint: 'x'.repeat(5000) }));
  });

  it('leaves to the engine whoever does not come as a browser does', async () => {
    const { direct } = sessions;
    const cookies = (change: (cookie: string) => string) => ({
      cookies: { direct: change(direct), engine: change(sessions.engine) },
    });
    for (const more of [
      { headers: { accept: 'application/json' } },
      { headers: { accept: 'text/html;q=0' } },
      { headers: { origin: 'https://app.example.test' } },
      { headers: { cookie: undefined } },
      { method: 'HEAD' },
      cookies((cookie) => cookie.replace(/session\.sig=[^;]*/, '')),
      cookies((cookie) => cookie.replace(/(session\.sig=)([^;]*)([^;]{5})/, '$1$3$2')),
      cookies((cookie) => cookie.replace(/session=[\w-]{43}/, `session=${'x'.repeat(43)}`)),
      cookies((cookie) => `latchkey-session=x; ${cookie}`),
      cookies((cookie) => cookie.replace(/session=([^;]*)/, 'session="$1"')),
    ])
      await leftToTheEngine(queryOf(app), more);
    expect(direct).toMatch(/session\.sig=[\w-]{43}/);
  });
});
