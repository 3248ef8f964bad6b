import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import Provider, { type ClientMetadata, type Configuration, type JWK } from 'oidc-provider';
import { benchApps, benchSecret, personAddress, personProfile } from './apps.ts';
import { openExampleRedis } from './example-redis.ts';
import { answerTheBench } from './measured-process.ts';
import { watchStores } from './store-calls.ts';

/**
 * The engine as it comes, doing what ours is asked to do in the bench: the same grants, token formats, PKCE, rotation
 * and ES256, with apps and people known by heart. Its interactions answer themselves. Without EXAMPLE_REDIS_URL it keeps
 * everything in the map that the engine brings.
 */
export async function servePlain(): Promise<void> {
  watchStores();
  // That its map is for development only is what it warns of, and why it is the yardstick.
  console.warn = () => {};
  const port = Number(process.env['PORT']);
  const redisUrl = process.env['EXAMPLE_REDIS_URL'];
  const provider = new Provider(`http://localhost:${port}`, {
    ...configuration(),
    ...(redisUrl ? { adapter: openExampleRedis(redisUrl) } : {}),
  });
  answerInteractions(provider);
  const http = provider.listen(port, '127.0.0.1') as Server;
  http.keepAliveTimeout = 75_000;
  await once(http, 'listening');
  answerTheBench(async () => void http.close());
}

function configuration(): Configuration {
  return {
    clients: benchApps.map(
      ({ clientId, metadata }) =>
        ({ ...metadata, client_id: clientId, client_secret: benchSecret }) as ClientMetadata,
    ),
    jwks: { keys: [makeKey('RS256'), makeKey('ES256')] },
    cookies: { keys: ['a cookie key of the yardstick, one that is long enough'] },
    findAccount: async (_ctx, accountId) => ({ accountId, claims: async () => claimsOf(accountId) }),
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'],
    claims: {
      profile: [...Object.keys(personProfile(0)), 'updated_at'],
      email: ['email', 'email_verified'],
    },
    rotateRefreshToken: () => true,
    // By the app, since the engine grants offline_access only when the consent page is shown, each time.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async (ctx) => !ctx.oidc.client?.grantTypeAllowed('refresh_token'),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    interactions: { url: async (_ctx, interaction) => `/interaction/${interaction.uid}` },
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      introspection: '/introspect',
    },
  };
}

function makeKey(alg: 'RS256' | 'ES256'): JWK {
  const { privateKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 3072 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' } as JWK;
}

function claimsOf(accountId: string) {
  const number = Number(accountId.replace('person', ''));
  return {
    sub: accountId,
    ...personProfile(number),
    email: personAddress(number),
    email_verified: true,
    updated_at: 1_700_000_000,
  };
}

/** Whoever `login_hint` names is signed in, and every scope is allowed. */
function answerInteractions(provider: Provider): void {
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
    const result =
      prompt.name === 'login'
        ? { login: { accountId: String(params['login_hint']) } }
        : { consent: { grantId: await grantAll(provider, String(session?.accountId), params) } };
    const finished = provider.interactionFinished(ctx.req, ctx.res, result, {
      mergeWithLastSubmission: true,
    });
    ctx.respond = false;
    await finished;
  });
}

async function grantAll(provider: Provider, accountId: string, params: Record<string, unknown>) {
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
  grant.addOIDCScope(String(params['scope']));
  return grant.save();
}
