import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { type Authority, openAuthority } from '../../support/certificates.ts';
import { startNginx } from '../../support/nginx.ts';
import { comesBack } from '../../support/relying-party.ts';
import { freePort, type TestServer } from '../../support/servers.mjs';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** An app on openid-client that proves itself and its tokens by keys and by certificates, as that library's examples do. */
const redirectUri = 'https://app.example.test/callback';
let authority: Authority;
let world: World;
let nginx: TestServer;
let account: TestAccount;
let keys: client.CryptoKeyPair;
beforeAll(async () => {
  authority = openAuthority();
  const port = await freePort();
  world = await openWorld({
    MTLS_HEADER: 'x-ssl-client-cert',
    MTLS_ORIGIN: `https://localhost:${port}`,
    DPOP_NONCE: 'on',
  });
  const server = authority.issues({ subject: '/CN=localhost', san: 'DNS:localhost', uses: 'serverAuth' });
  const clientAuthority = authority.own.files.pem;
  nginx = await startNginx({ port, upstream: world.port, server, clientAuthority });
  account = await world.account();
  keys = await client.randomDPoPKeyPair('ES256');
});
afterAll(async () => {
  await nginx?.stop();
  await world?.close();
  authority.close();
});

async function discovered(
  clientId: string,
  metadata: Partial<client.ClientMetadata>,
  auth: client.ClientAuth,
): Promise<client.Configuration> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
  const added = await registerClient(world.services, {
    clientId,
    metadata: {
      client_name: clientId,
      redirect_uris: [redirectUri],
      jwks: { keys: [{ kty, crv, x, y, kid: 'own', alg: 'ES256' }] },
      ...metadata,
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  return client.discovery(new URL(world.issuer), clientId, metadata, auth, {
    execute: [client.allowInsecureRequests],
  });
}

const newRequest = async (pkceCodeVerifier: string, more: Record<string, string> = {}) => ({
  redirect_uri: redirectUri,
  scope: 'openid email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  ...more,
});

describe('an app on openid-client with keys', () => {
  it('signs its request, reads a signed answer, and has tokens for its key alone (JAR, JARM, DPoP)', async () => {
    const auth = client.PrivateKeyJwt({ key: keys.privateKey, kid: 'own' });
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', dpop_bound_access_tokens: true };
    const config = await discovered('signed', metadata, auth);
    client.useJwtResponseMode(config);
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const signing = { key: keys.privateKey, kid: 'own' };
    const asked = await newRequest(pkceCodeVerifier);
    const url = await client.buildAuthorizationUrlWithJAR(config, asked, signing);
    const arrived = await comesBack(world, url, account);
    expect([...arrived.searchParams.keys()]).toEqual(['response']);

    // The library does by itself what it is told by the nonce of ours that is missing at first (RFC 9449 section 8).
    const refused: string[] = [];
    config[client.customFetch] = async (url, options) => {
      const answer = await fetch(url, options as RequestInit);
      if (!answer.ok) refused.push(`${new URL(url).pathname} ${(await answer.clone().json()).error}`);
      return answer;
    };
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const checks = { pkceCodeVerifier, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, arrived, checks, undefined, { DPoP });
    const sub = String(tokens.claims()?.sub);
    const claims = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP });
    expect(claims.email).toBe(account.identifier);
    expect(refused).toEqual(['/token use_dpop_nonce']);
    const bare = client.fetchUserInfo(config, tokens.access_token, sub);
    await expect(bare).rejects.toThrow();
    const again = await client.refreshTokenGrant(config, String(tokens.refresh_token), undefined, { DPoP });
    expect(again.token_type).toBe('dpop');
  });
});

describe('an app on openid-client with a certificate', () => {
  it('is let in by it at the addresses that discovery names for that, and its tokens are bound to it', async () => {
    const own = authority.issues({ subject: '/O=Example/CN=payments' });
    const metadata = {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=payments,O=Example',
      tls_client_certificate_bound_access_tokens: true,
      use_mtls_endpoint_aliases: true,
    };
    const config = await discovered('certified', metadata, client.TlsClientAuth());
    config[client.customFetch] = fetchWith({ cert: own.pem, key: own.key });
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const asked = await newRequest(pkceCodeVerifier);
    const arrived = await comesBack(world, await client.buildAuthorizationUrlWithPAR(config, asked), account);
    const checks = { pkceCodeVerifier, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, arrived, checks);
    const sub = String(tokens.claims()?.sub);
    expect((await client.fetchUserInfo(config, tokens.access_token, sub)).email).toBe(account.identifier);
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      cnf: { 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) },
    });

    config[client.customFetch] = fetchWith({});
    const stolen = client.fetchUserInfo(config, tokens.access_token, sub);
    await expect(stolen).rejects.toMatchObject({ cause: [{ parameters: { error: 'invalid_token' } }] });
    const refresh = client.refreshTokenGrant(config, String(tokens.refresh_token));
    await expect(refresh).rejects.toMatchObject({ error: 'invalid_client' });
  });
});

describe('an app on oauth4webapi with a certificate', () => {
  it('is let in by it, and its tokens are bound to it', async () => {
    const own = authority.issues({ subject: '/O=Example/CN=ledger' });
    const added = await registerClient(world.services, {
      clientId: 'ledger',
      metadata: {
        client_name: 'Ledger',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=ledger,O=Example',
        tls_client_certificate_bound_access_tokens: true,
      },
    });
    expect(added).toMatchObject({ ok: true });
    const as = await metadataOf();
    const ledger = { client_id: 'ledger', use_mtls_endpoint_aliases: true };
    const auth = oauth.TlsClientAuth();
    const shows = (shown: Parameters<typeof fetchWith>[0]) => ({
      ...insecure,
      [oauth.customFetch]: fetchWith(shown) as never,
    });
    const options = shows({ cert: own.pem, key: own.key });
    const verifier = oauth.generateRandomCodeVerifier();
    const params = { ...(await newRequest(verifier)), response_type: 'code' };
    const sent = await oauth.pushedAuthorizationRequest(as, ledger, auth, params, options);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, ledger, sent);
    const url = new URL(String(as.authorization_endpoint));
    url.search = String(new URLSearchParams({ client_id: 'ledger', request_uri }));
    const arrived = oauth.validateAuthResponse(
      as,
      ledger,
      await comesBack(world, url, account),
      oauth.expectNoState,
    );
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      ledger,
      auth,
      arrived,
      redirectUri,
      verifier,
      options,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, ledger, answer, { requireIdToken: true });
    const { sub = '' } = oauth.getValidatedIdTokenClaims(tokens) ?? {};
    const reads = async (how: typeof options) =>
      oauth.processUserInfoResponse(
        as,
        ledger,
        sub,
        await oauth.userInfoRequest(as, ledger, tokens.access_token, how),
      );
    expect((await reads(options)).email).toBe(account.identifier);
    const stolen = { cause: [{ parameters: { error: 'invalid_token' } }] };
    await expect(reads(shows({}))).rejects.toMatchObject(stolen);
  });
});

const insecure = { [oauth.allowInsecureRequests]: true };
async function metadataOf(): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(world.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
}

describe('an app on oauth4webapi with a certificate of its own making', () => {
  it('is let in by it where its registration has it, and by no other', async () => {
    const own = authority.selfSigned({ subject: '/CN=alone' });
    const jwk = {
      ...own.certificate.publicKey.export({ format: 'jwk' }),
      x5c: [own.certificate.raw.toString('base64')],
    };
    const added = await registerClient(world.services, {
      clientId: 'alone',
      metadata: {
        client_name: 'Alone',
        redirect_uris: [],
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        tls_client_certificate_bound_access_tokens: true,
        jwks: { keys: [jwk] },
      },
    });
    expect(added).toMatchObject({ ok: true });
    const as = await metadataOf();
    const alone = { client_id: 'alone', use_mtls_endpoint_aliases: true };
    const asks = async (shown: { cert: string; key: string }) => {
      const options = { ...insecure, [oauth.customFetch]: fetchWith(shown) as never };
      const auth = oauth.TlsClientAuth();
      const answer = await oauth.clientCredentialsGrantRequest(as, alone, auth, {}, options);
      const { access_token } = await oauth.processClientCredentialsResponse(as, alone, answer);
      const told = await oauth.introspectionRequest(as, alone, auth, access_token, options);
      return oauth.processIntrospectionResponse(as, alone, told);
    };
    expect(await asks({ cert: own.pem, key: own.key })).toMatchObject({
      active: true,
      cnf: { 'x5t#S256': expect.any(String) },
    });
    const other = authority.selfSigned({ subject: '/CN=alone' });
    const refused = asks({ cert: other.pem, key: other.key });
    await expect(refused).rejects.toMatchObject({ error: 'invalid_client' });
  });
});

/** What the library's documentation does with an agent of undici: Node's own fetch cannot show a certificate. */
function fetchWith(shown: { cert?: string; key?: string }) {
  return (url: string, { method, headers, body }: client.CustomFetchOptions): Promise<Response> =>
    new Promise((resolve, reject) => {
      if (!url.startsWith('https:')) return resolve(fetch(url, { method, headers, body: body as never }));
      const options = { method, headers, ca: authority.own.pem, agent: false as const, ...shown };
      const sent = httpsRequest(url, options, async (answer) => {
        const read = Buffer.concat(await Array.fromAsync(answer));
        const told = Object.entries(answer.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        resolve(
          new Response(read.length > 0 ? read : null, { status: answer.statusCode ?? 0, headers: told }),
        );
      });
      sent.on('error', reject).end(body === undefined || body === null ? undefined : String(body));
    });
}
