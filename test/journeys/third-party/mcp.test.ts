import { once } from 'node:events';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Client,
  type OAuthClientProvider,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import * as oauth from 'oauth4webapi';
import { registerApi } from '../../../src/actions/register-api.ts';
import { apiMetadata } from '../../../src/oidc/resources/api-metadata.ts';
import { type AppServer, listenForApp } from '../../support/app-server.ts';
import { type Authority, openAuthority } from '../../support/certificates.ts';
import { answerEverything } from '../../support/relying-party.ts';
import { openWorld, type World } from '../../support/world.ts';

/**
 * The client of the Model Context Protocol finds its way from nothing but the address of a server of that protocol: whom
 * that one trusts (RFC 9728), where to register and to ask (RFC 8414, RFC 7591), and a token for that server alone (RFC 8707).
 */
const insecure = { [oauth.allowInsecureRequests]: true };
let world: World;
let server: AppServer;
let authority: Authority;
let host: HttpsServer;
let address: string;
beforeAll(async () => {
  world = await openWorld({
    DYNAMIC_REGISTRATION: 'open',
    CLIENT_ID_METADATA_DOCUMENTS: 'on',
    ALLOW_LOOPBACK_FETCH: 'on',
  });
  authority = openAuthority();
  server = await listenForApp();
  address = `${server.origin}/mcp`;
  const added = await registerApi(world.services, {
    identifier: address,
    name: 'Notes',
    scopes: [{ name: 'notes:read', title: 'Read your notes' }],
    open_to_all: true,
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  await serveNotes(apiMetadata(world.services, added.api));
});
afterAll(async () => {
  host?.close();
  authority?.close();
  await server?.stop();
  await world?.close();
});

/** As much of such a server as it takes to connect to, with the tokens checked by oauth4webapi. */
async function serveNotes(metadata: object): Promise<void> {
  const issuer = new URL(world.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  const metadataUrl = `${server.origin}/.well-known/oauth-protected-resource/mcp`;
  const answers: Record<string, (params: { protocolVersion?: string }, sub: string) => object> = {
    initialize: ({ protocolVersion }) => ({
      protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'notes', version: '1.0.0' },
    }),
    'tools/list': (_, sub) => ({
      tools: [{ name: 'list_notes', description: `notes of ${sub}`, inputSchema: { type: 'object' } }],
    }),
  };
  server.serve(async (request, response) => {
    const json = (status: number, body: object, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    if (request.url === new URL(metadataUrl).pathname) return json(200, metadata);
    if (request.url !== '/mcp') return json(request.url?.startsWith('/callback') ? 200 : 404, {});
    const { authorization = '' } = request.headers;
    const asked = new Request(address, { headers: { authorization } });
    const claims = await oauth.validateJwtAccessToken(as, asked, address, insecure).catch(() => undefined);
    if (!claims) {
      const challenge = `Bearer resource_metadata="${metadataUrl}", scope="notes:read offline_access"`;
      return json(401, {}, { 'www-authenticate': challenge });
    }
    if (request.method !== 'POST') return json(405, {});
    const { id, method, params } = JSON.parse(await text(request));
    if (id === undefined) return response.writeHead(202).end();
    return json(200, { jsonrpc: '2.0', id, result: answers[method]?.(params, claims.sub) ?? {} });
  });
}

/** What a program keeps between its starts, in memory. */
class Kept implements OAuthClientProvider {
  clientMetadataUrl?: string;
  // A page of the program's own on loopback (RFC 8252 section 7.3).
  readonly redirectUrl = `${server.origin}/callback`;
  sentTo: URL | undefined;
  known: StoredOAuthClientInformation | undefined;
  held: StoredOAuthTokens | undefined;
  #verifier = '';
  #discovered: Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>;
  readonly clientMetadata = {
    client_name: 'Notebook assistant',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  clientInformation = () => this.known;
  saveClientInformation(known: StoredOAuthClientInformation): void {
    this.known = known;
  }
  tokens = () => this.held;
  saveTokens(tokens: StoredOAuthTokens): void {
    this.held = tokens;
  }
  redirectToAuthorization(url: URL): void {
    this.sentTo = url;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier = () => this.#verifier;
  saveDiscoveryState(
    state: NonNullable<Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>>,
  ) {
    this.#discovered = state;
  }
  discoveryState = () => this.#discovered;
}

async function connects(authProvider: Kept): Promise<Client> {
  const client = new Client({ name: 'notebook-assistant', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(address), { authProvider }));
  return client;
}

/** The whole way of somebody who never used it before. */
async function isLetIn(kept: Kept): Promise<void> {
  const client = new Client({ name: 'notebook-assistant', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(address), { authProvider: kept });
  await expect(client.connect(transport)).rejects.toThrow(UnauthorizedError);
  const person = world.person();
  await person.goes(String(kept.sentTo));
  await answerEverything(world, person, await world.account());
  await transport.finishAuth(new URL(person.url).searchParams);
}

describe("the MCP SDK's client", () => {
  it('registers, is allowed by the person, and calls with a token for that server alone', async () => {
    const kept = new Kept();
    await isLetIn(kept);
    expect(kept.sentTo?.searchParams.get('resource')).toBe(address);
    expect(kept.known?.client_id).toMatch(/./);
    const client = await connects(kept);
    const { tools } = await client.listTools();
    expect(tools).toMatchObject([{ name: 'list_notes' }]);
    await client.close();

    const claims = JSON.parse(
      Buffer.from(String(kept.held?.access_token).split('.')[1] ?? '', 'base64url').toString(),
    );
    expect(claims).toMatchObject({ iss: world.issuer, aud: address, scope: 'notes:read' });
    const userinfo = await fetch(`${world.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${kept.held?.access_token}` },
    });
    expect(userinfo.status).toBe(401);
  });

  it('gets a new token by itself once the one that it has is over', async () => {
    const kept = new Kept();
    await isLetIn(kept);
    const first = kept.held?.access_token;
    world.advance(6 * 60_000);
    const client = await connects(kept);
    expect((await client.listTools()).tools).toHaveLength(1);
    expect(kept.held?.access_token).not.toBe(first);
    await client.close();
  });

  it('is known by the address of a document of its own, where it has one', async () => {
    const kept = new Kept();
    kept.clientMetadataUrl = await publishes((address) => ({ client_id: address, ...kept.clientMetadata }));
    await isLetIn(kept);
    expect(kept.sentTo?.searchParams.get('client_id')).toBe(kept.clientMetadataUrl);
    const client = await connects(kept);
    expect((await client.listTools()).tools).toHaveLength(1);
    await client.close();
  });
});

/** By https, as the client demands it, with a certificate of an authority that this process trusts meanwhile. */
async function publishes(document: (address: string) => object): Promise<string> {
  const { pem, key } = authority.issues({ san: 'DNS:localhost', uses: 'serverAuth' });
  setDefaultCACertificates([...getCACertificates('default'), authority.own.pem]);
  let published: object = {};
  host = createHttpsServer({ cert: pem, key }, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(published));
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const address = `https://localhost:${(host.address() as AddressInfo).port}/client.json`;
  published = document(address);
  return address;
}
