import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { registerClient } from '../../../src/actions/register-client.ts';
import { Person } from '../../support/person.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { openFront } from './front.ts';
import { amazonHosts, issuerHost, type Outcome } from './network.ts';

/** Runs inside the network of its own (network.ts): each library does what it is for, and says what it saw. */
const load = createRequire(import.meta.url);
type App = { id: string; secret: string };
type Setting = {
  world: World;
  account: TestAccount;
  person: () => Person;
  app: (uri?: string) => Promise<App>;
};
type Handler = Parameters<typeof createServer>[1];

async function open(): Promise<{ setting: Setting; close(): Promise<void> }> {
  const world = await openWorld({
    ISSUER: `https://${issuerHost}`,
    SMTP_URL: 'smtp://127.0.0.1:9',
  });
  const close = await openFront(world.port);
  const account = await world.account({ email: 'ada@example.com', profile: { name: 'Ada Example' } });
  const reach = (origin: string) => {
    const { hostname, port } = new URL(origin);
    if (hostname === 'localhost') return Number(port);
    return [issuerHost, ...amazonHosts].includes(hostname) ? world.port : undefined;
  };
  const setting: Setting = {
    world,
    account,
    person: () => new Person({ reach }),
    async app(uri = 'http://localhost/cb') {
      const added = await registerClient(world.services, {
        metadata: {
          client_name: 'Shop',
          login_with_amazon: true,
          company: 'Shop Ltd',
          redirect_uris: [uri],
          grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
          scope: 'profile postal_code alexa:skill_messaging sellingpartnerapi::notifications',
        },
      });
      if (!added.ok) throw new Error(JSON.stringify(added));
      return { id: added.client.clientId, secret: String(added.clientSecret) };
    },
  };
  return {
    setting,
    async close() {
      await close();
      await world.close();
    },
  };
}

/** A site that has the library in it, on loopback. */
async function site(make: (origin: string) => Promise<Handler>): Promise<{ origin: string; close(): void }> {
  let handle: Handler;
  const server = createServer((req, res) => handle?.(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  handle = await make(origin);
  return { origin, close: () => server.close() };
}

/** From the site's button to the site's answer. */
async function signsIn({ person, account }: Setting, address: string): Promise<unknown> {
  const ada = person();
  await ada.goes(address);
  await ada.submits({ identifier: account.identifier, password: account.password });
  await ada.decides('allow');
  if (!ada.left && ada.status === 200) return JSON.parse(ada.text);
  throw new Error(`the person is at ${ada.left ?? ada.url} ${ada.left ? '' : `${ada.status} ${ada.text}`}`);
}

const answered = (res: { end(text: string): void }, body: unknown) => res.end(JSON.stringify(body));

async function passport(setting: Setting): Promise<unknown> {
  const framework = load('passport');
  const { Strategy } = load('passport-amazon');
  const { origin, close } = await site(async (own) => {
    const callbackURL = `${own}/callback`;
    const { id, secret } = await setting.app(callbackURL);
    const verify = (_access: string, refresh: string, profile: object, done: (e: null, u: object) => void) =>
      done(null, { ...profile, refreshed: refresh.startsWith('Atzr|') });
    const options = {
      clientID: id,
      clientSecret: secret,
      callbackURL,
      pkce: true,
      state: true,
      scope: ['profile'],
    };
    const authenticator = new framework.Passport();
    authenticator.use(new Strategy(options, verify));
    const session = {};
    return (req, res) => {
      const query = Object.fromEntries(new URL(String(req.url), own).searchParams);
      Object.assign(req, { query, session });
      const authenticate = authenticator.authenticate('amazon', { session: false });
      authenticator.initialize()(req, res, () =>
        authenticate(req, res, (error?: Error) =>
          answered(res, error ? { error: String(error) } : (req as unknown as { user: object }).user),
        ),
      );
    };
  });
  const seen = (await signsIn(setting, origin)) as Record<string, unknown>;
  close();
  return { ...seen, _raw: undefined };
}

async function grant(setting: Setting): Promise<unknown> {
  const { origin, close } = await site(async (own) => {
    const { id, secret } = await setting.app(`${own}/connect/amazon/callback`);
    const handler = load('grant').node({
      config: {
        defaults: { origin: own, transport: 'session', state: true, response: ['tokens', 'profile'] },
        amazon: {
          key: id,
          secret,
          scope: ['profile', 'postal_code'],
          pkce: true,
          custom_params: { scope_data: JSON.stringify({ postal_code: { essential: true } }) },
          callback: '/done',
        },
      },
      session: { secret: 'a session' },
    });
    return async (req, res) => {
      const { session, redirect } = await handler(req, res);
      if (!redirect)
        answered(res, ((await session.get()) as { grant: { response: unknown } }).grant.response);
    };
  });
  const seen = await signsIn(setting, `${origin}/connect/amazon`);
  close();
  return seen;
}

async function tokensFor(setting: Setting): Promise<App & { code: string; refresh: string }> {
  const uri = 'https://shop.example.test/cb';
  const app = await setting.app(uri);
  const ada = setting.person();
  const query = { client_id: app.id, response_type: 'code', scope: 'profile', redirect_uri: uri };
  await ada.goes(`https://www.amazon.com/ap/oa?${new URLSearchParams(query)}`);
  await ada.submits({ identifier: setting.account.identifier, password: setting.account.password });
  await ada.decides('allow');
  const code = String(ada.left?.searchParams.get('code'));
  await ada.goes(`https://www.amazon.com/ap/oa?${new URLSearchParams(query)}`);
  const form = { grant_type: 'authorization_code', code: String(ada.left?.searchParams.get('code')) };
  const answer = await fetch('https://api.amazon.co.uk/auth/o2/token', {
    method: 'POST',
    body: new URLSearchParams({ ...form, client_id: app.id, client_secret: app.secret }),
  });
  return {
    ...app,
    code,
    refresh: String(((await answer.json()) as Record<string, unknown>)['refresh_token']),
  };
}

async function askSdk(setting: Setting): Promise<unknown> {
  const { LwaServiceClient } = load('ask-sdk-model-runtime');
  const { id, secret, refresh } = await tokensFor(setting);
  const apiClient = {
    async invoke({
      url,
      method,
      headers,
      body,
    }: {
      url: string;
      method: string;
      headers: { key: string; value: string }[];
      body?: string;
    }) {
      const answer = await fetch(url, {
        method,
        headers: headers.map(({ key, value }) => [key, value] as [string, string]),
        ...(body === undefined ? {} : { body }),
      });
      return { statusCode: answer.status, headers: [], body: await answer.text() };
    },
  };
  const apiConfiguration = { apiClient, apiEndpoint: 'https://api.amazonalexa.com', authorizationValue: '' };
  const machine = new LwaServiceClient({
    apiConfiguration,
    authenticationConfiguration: { clientId: id, clientSecret: secret },
  });
  const onBehalf = new LwaServiceClient({
    apiConfiguration,
    authenticationConfiguration: { clientId: id, clientSecret: secret, refreshToken: refresh },
    grantType: 'refresh_token',
  });
  const access = [
    await machine.getAccessTokenForScope('alexa:skill_messaging'),
    await onBehalf.getAccessToken(),
  ];
  const wrong = new LwaServiceClient({
    apiConfiguration,
    authenticationConfiguration: { clientId: id, clientSecret: 'x' },
  });
  const refused = await wrong
    .getAccessTokenForScope('alexa:skill_messaging')
    .catch((error: Error) => error.message);
  return { access, refused };
}

async function sellingPartner(setting: Setting): Promise<unknown> {
  const SellingPartner = load('amazon-sp-api').SellingPartner ?? load('amazon-sp-api');
  const { id, secret, code, refresh } = await tokensFor(setting);
  const credentials = { SELLING_PARTNER_APP_CLIENT_ID: id, SELLING_PARTNER_APP_CLIENT_SECRET: secret };
  const options = { only_grantless_operations: true };
  const exchanged = await new SellingPartner({ region: 'na', credentials, options }).exchange(code);
  const partner = new SellingPartner({ region: 'na', credentials, refresh_token: refresh });
  await partner.refreshAccessToken();
  await partner.refreshAccessToken('sellingpartnerapi::notifications');
  return { exchanged, access: [partner.access_token, partner.grantless_token ?? partner.access_token] };
}

async function spApiSdk(setting: Setting): Promise<unknown> {
  const { SellingPartnerApiAuth } = load('@sp-api-sdk/auth');
  const { id, secret, refresh } = await tokensFor(setting);
  const person = new SellingPartnerApiAuth({ clientId: id, clientSecret: secret, refreshToken: refresh });
  const machine = new SellingPartnerApiAuth({
    clientId: id,
    clientSecret: secret,
    scopes: ['sellingpartnerapi::notifications'],
  });
  return { access: [await person.getAccessToken(), await machine.getAccessToken()] };
}

async function arctic(setting: Setting): Promise<unknown> {
  const { OAuth2Client, CodeChallengeMethod } = await import('arctic');
  const uri = 'https://shop.example.test/cb';
  const { id, secret } = await setting.app(uri);
  const client = new OAuth2Client(id, secret, uri);
  const verifier = 'v'.repeat(43);
  const url = client.createAuthorizationURLWithPKCE(
    'https://www.amazon.com/ap/oa',
    'a-state',
    CodeChallengeMethod.S256,
    verifier,
    ['profile'],
  );
  const ada = setting.person();
  await ada.goes(url);
  await ada.submits({ identifier: setting.account.identifier, password: setting.account.password });
  await ada.decides('allow');
  const code = String(ada.left?.searchParams.get('code'));
  const tokens = await client.validateAuthorizationCode(
    'https://api.amazon.com/auth/o2/token',
    code,
    verifier,
  );
  const again = await client.refreshAccessToken(
    'https://api.amazon.com/auth/o2/token',
    tokens.refreshToken(),
    [],
  );
  return {
    access: [tokens.accessToken(), again.accessToken()],
    seconds: again.accessTokenExpiresInSeconds(),
  };
}

/** By hand: the redirect from plain http, which one library asks for, with its query. */
async function plainHttp(): Promise<unknown> {
  const { status, headers } = await fetch('http://www.amazon.com/ap/oa?client_id=x', { redirect: 'manual' });
  return { status, location: headers.get('location') };
}

const all = { passport, grant, askSdk, sellingPartner, spApiSdk, arctic, plainHttp };
const { setting, close } = await open();
for (const [name, run] of Object.entries(all)) {
  const outcome: Outcome = await run(setting).then(
    (seen) => ({ name, seen }),
    (error: Error) => ({ name, problem: String(error?.stack ?? JSON.stringify(error)) }),
  );
  console.log(JSON.stringify(outcome));
}
await close();
process.exit(0);
