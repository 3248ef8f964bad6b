import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { registerClient } from '../../src/actions/register-client.ts';
import { assertionOf, signJwt } from './assertion.ts';
import type { Person } from './person.ts';
import { arrivalOf } from './relying-party.ts';
import { type Answer, newAddress, send } from './wire.ts';
import type { TestAccount, World } from './world.ts';

/**
 * An app that proves everything with keys: itself (private_key_jwt), its requests (JAR) and its tokens (DPoP). No library
 * in between, so that a test can leave out or spoil any one part of what it sends.
 */
export type Keys = { publicKey: KeyObject; privateKey: KeyObject };
export type Form = Record<string, string>;

export const newKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const seconds = () => Math.floor(Date.now() / 1000);

let apps = 0;

export async function openSigningApp(
  world: World,
  metadata: Record<string, unknown> = {},
): Promise<SigningApp> {
  apps += 1;
  const keys = newKeys();
  const redirectUri = `https://signing${apps}.example.test/callback`;
  const added = await registerClient(world.services, {
    metadata: {
      client_name: `Signing ${apps}`,
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'ES256' }] },
      ...metadata,
    },
  });
  if (!added.ok) throw new Error(`no test app: ${JSON.stringify(added)}`);
  return new SigningApp(world, { clientId: added.client.clientId, redirectUri, keys });
}

export class SigningApp {
  readonly world: World;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly keys: Keys;
  readonly #address = newAddress();
  readonly verifier = randomBytes(32).toString('base64url');
  /** Sent along with every request, such as a certificate that a proxy passes on. */
  headers: Record<string, string> = {};
  /** The newest nonce of the server. */
  nonce: string | undefined;

  constructor(world: World, made: { clientId: string; redirectUri: string; keys: Keys }) {
    this.world = world;
    this.clientId = made.clientId;
    this.redirectUri = made.redirectUri;
    this.keys = made.keys;
  }

  /** The form members by which it authenticates. */
  assertion(claims: object = {}, header: object = { alg: 'ES256' }): Form {
    const { privateKey } = this.keys;
    return assertionOf({ clientId: this.clientId, audience: this.world.issuer, privateKey, claims, header });
  }

  proof(path: string, claims: object = {}, { method = 'POST', keys = this.keys, header = {} } = {}): string {
    const jwk = keys.publicKey.export({ format: 'jwk' });
    const all = {
      jti: randomUUID(),
      iat: seconds(),
      htm: method,
      htu: `${this.world.issuer}${path}`,
      ...claims,
    };
    return signJwt({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }, all, keys.privateKey);
  }

  /** What it asks for; members that are undefined are left out. */
  params(more: Record<string, string | undefined> = {}): Form {
    const all = {
      client_id: this.clientId,
      response_type: 'code',
      redirect_uri: this.redirectUri,
      scope: 'openid',
      state: 'the-state',
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Form;
  }

  /** The same as a signed request object (RFC 9101). */
  request(more: Record<string, unknown> = {}, { header = {}, keys = this.keys } = {}): string {
    const now = seconds();
    const times = { iss: this.clientId, aud: this.world.issuer, iat: now, nbf: now, exp: now + 300 };
    const claims = { ...this.params(), ...times, ...more };
    return signJwt({ alg: 'ES256', typ: 'oauth-authz-req+jwt', ...header }, claims, keys.privateKey);
  }

  async posts(
    path: string,
    form: Form | URLSearchParams,
    headers: Record<string, string | undefined> = {},
  ): Promise<Answer> {
    const answer = await send(`${this.world.issuer}${path}`, {
      body: new URLSearchParams(form),
      headers: { 'x-forwarded-for': this.#address, ...this.headers, ...headers },
    });
    this.nonce = (answer.headers['dpop-nonce'] as string | undefined) ?? this.nonce;
    return answer;
  }

  /** Pushes a request and answers where it can be asked with (RFC 9126). */
  async pushes(form: Form = this.params()): Promise<string> {
    const answer = await this.posts('/par', { ...this.assertion(), ...form });
    if (answer.status !== 201) throw new Error(`not pushed: ${answer.text}`);
    const { request_uri } = answer.json as { request_uri: string };
    return `${this.world.issuer}/authorize?${new URLSearchParams({ client_id: this.clientId, request_uri })}`;
  }

  /** The whole way to where the person is sent back to, saying yes to everything. */
  async visits(person: Person, account: TestAccount, url: string): Promise<URL> {
    await person.goes(url);
    if (!person.left && person.heading === 'Sign in')
      await person.submits({ identifier: account.identifier, password: account.password });
    if (!person.left) await person.decides('allow');
    return arrivalOf(person);
  }

  async getsCode(account: TestAccount, form?: Form): Promise<string> {
    const arrived = await this.visits(this.world.person(), account, await this.pushes(form));
    return arrived.searchParams.get('code') ?? '';
  }

  redeems(code: string, more: Form = {}, headers: Record<string, string | undefined> = {}): Promise<Answer> {
    return this.posts('/token', { ...this.#grant(code), ...this.assertion(), ...more }, headers);
  }

  /** With a proof, for which it first asks for a nonce if it has none yet (RFC 9449 section 8). */
  async redeemsBound(code: string, more: Form = {}): Promise<Answer> {
    if (!this.nonce) await this.redeems('none', {}, { dpop: this.proof('/token') });
    return this.redeems(code, more, { dpop: this.proof('/token', { nonce: this.nonce }) });
  }

  #grant(code: string): Form {
    const { redirectUri: redirect_uri, verifier: code_verifier } = this;
    return { grant_type: 'authorization_code', code, redirect_uri, code_verifier };
  }
}

/** The claims of a JWT, unchecked. */
export function claimsOf(jwt: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString());
}

export function headerOf(jwt: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(jwt).split('.')[0] ?? '', 'base64url').toString());
}
