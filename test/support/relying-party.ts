import { createHash, randomBytes } from 'node:crypto';
import * as client from 'openid-client';
import { registerClient } from '../../src/actions/register-client.ts';
import type { Person } from './person.ts';
import { type Answer, newAddress, send } from './wire.ts';
import type { TestAccount, World } from './world.ts';

/**
 * An app in a test, on an unmodified openid-client where it does what apps do, and with its bare hands where a test
 * sends what no library would. Its redirect URI is not served: a person who left for it carries the answer to it.
 */
export type Attempt = { url: URL; verifier: string; state: string; nonce: string };
export type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

let apps = 0;

export async function openRelyingParty(
  world: World,
  metadata: Record<string, unknown> = {},
): Promise<RelyingParty> {
  apps += 1;
  const host = `app${apps}.example.test`;
  const added = await registerClient(world.services, {
    metadata: {
      client_name: `Paperplane ${apps}`,
      redirect_uris: [`https://${host}/callback`],
      post_logout_redirect_uris: [`https://${host}/goodbye`],
      // So that a test can say whom it means.
      subject_type: 'public',
      ...metadata,
    },
  });
  if (!added.ok) throw new Error(`no test app: ${JSON.stringify(added)}`);
  const { client: made, clientSecret } = added;
  const config = await client.discovery(
    new URL(world.issuer),
    made.clientId,
    {},
    clientSecret ? client.ClientSecretBasic(clientSecret) : client.None(),
    { execute: [client.allowInsecureRequests] },
  );
  return new RelyingParty({
    world,
    config,
    clientSecret,
    name: made.metadata.client_name ?? made.clientId,
    redirectUri: String(made.metadata.redirect_uris[0]),
  });
}

/** For `posts`: the app does not say who it is in the header. */
export const anonymous = { authorization: undefined };

export class RelyingParty {
  readonly config: client.Configuration;
  readonly clientSecret: string | undefined;
  readonly name: string;
  readonly redirectUri: string;
  readonly #world: World;
  readonly #address = newAddress();

  constructor(made: {
    world: World;
    config: client.Configuration;
    clientSecret: string | undefined;
    name: string;
    redirectUri: string;
  }) {
    this.#world = made.world;
    this.config = made.config;
    this.clientSecret = made.clientSecret;
    this.name = made.name;
    this.redirectUri = made.redirectUri;
  }

  get clientId(): string {
    return this.config.clientMetadata().client_id;
  }

  /** An authorization request. A parameter that is undefined is left out. */
  asks(params: Record<string, string | undefined> = {}): Attempt {
    const verifier = randomBytes(32).toString('base64url');
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const given = {
      redirect_uri: this.redirectUri,
      scope: 'openid',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...params,
    };
    const present = Object.entries(given).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const url = client.buildAuthorizationUrl(this.config, new URLSearchParams(present));
    return { url, verifier, state, nonce };
  }

  /** What the person came back with, checked as openid-client does and exchanged for tokens. */
  async receives(person: Person, { verifier, state, nonce }: Attempt): Promise<Tokens> {
    return client.authorizationCodeGrant(this.config, arrivalOf(person), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
  }

  /** The whole way for somebody with or without a session: what is asked is answered with yes. */
  async signsIn(person: Person, account: TestAccount, params: Record<string, string> = {}): Promise<Tokens> {
    const attempt = this.asks(params);
    await person.goes(attempt.url);
    await answerEverything(this.#world, person, account);
    return this.receives(person, attempt);
  }

  /** The same, up to the code. */
  async getsCode(person: Person, account: TestAccount, params: Record<string, string | undefined> = {}) {
    const attempt = this.asks(params);
    await person.goes(attempt.url);
    await answerEverything(this.#world, person, account);
    return { code: arrivalOf(person).searchParams.get('code') ?? '', attempt };
  }

  /** A POST to an endpoint of the discovery document, with the app's secret in the header unless `headers` say otherwise. */
  async posts(
    endpoint:
      | 'token'
      | 'introspection'
      | 'revocation'
      | 'pushed_authorization_request'
      | 'device_authorization'
      | 'backchannel_authentication',
    body: Record<string, string> | URLSearchParams | string,
    headers: Record<string, string | undefined> = {},
  ): Promise<Answer> {
    const form =
      typeof body === 'string' || body instanceof URLSearchParams ? body : new URLSearchParams(body);
    return send(this.endpoint(endpoint), {
      method: 'POST',
      body: form,
      headers: { 'x-forwarded-for': this.#address, ...this.basic(), ...headers },
    });
  }

  endpoint(name: string): string {
    return String(this.config.serverMetadata()[`${name}_endpoint`]);
  }

  basic(secret: string | undefined = this.clientSecret): Record<string, string> {
    if (secret === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${this.clientId}:${secret}`).toString('base64')}` };
  }

  redeems(code: string, { verifier }: Pick<Attempt, 'verifier'>, more: Record<string, string> = {}) {
    return this.posts('token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.redirectUri,
      code_verifier: verifier,
      ...this.#named(),
      ...more,
    });
  }

  refreshes(refreshToken: string | undefined, more: Record<string, string> = {}): Promise<Answer> {
    return this.posts('token', {
      grant_type: 'refresh_token',
      refresh_token: String(refreshToken),
      ...this.#named(),
      ...more,
    });
  }

  /** `false` or what is told about the token. */
  async introspects(token: string | undefined): Promise<Record<string, unknown>> {
    return (await this.posts('introspection', { token: String(token) })).json;
  }

  async userinfo(accessToken: string): Promise<Answer> {
    return send(this.endpoint('userinfo'), { headers: { authorization: `Bearer ${accessToken}` } });
  }

  #named(): Record<string, string> {
    return this.clientSecret === undefined ? { client_id: this.clientId } : {};
  }
}

/** The address at the app that the person was sent to. */
export function arrivalOf(person: Person): URL {
  if (!person.left)
    throw new Error(`still here: ${person.url} ${person.status} ${person.heading} ${person.alert}`);
  return person.left;
}

/** Somebody goes where an app sends them, answers everything there, and arrives at the app again. */
export async function comesBack(
  world: World,
  url: URL,
  account: TestAccount,
  person: Person = world.person(),
): Promise<URL> {
  await person.goes(url);
  await answerEverything(world, person, account);
  return arrivalOf(person);
}

export async function answerEverything(world: World, person: Person, account: TestAccount): Promise<void> {
  const asksFor = (name: string) =>
    !person.left && person.html.forms.some(({ buttons }) => buttons.some((one) => one.name === name));
  if (!person.left && person.heading === 'Sign in') {
    await person.submits({ identifier: account.identifier, password: account.password });
    if (!person.left && account.totpSecret !== undefined)
      await person.submits({ code: await world.freshCode(account.totpSecret) });
  }
  if (asksFor('decision')) await person.decides('allow');
}
