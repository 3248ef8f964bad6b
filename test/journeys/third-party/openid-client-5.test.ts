import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { custom, generators, Issuer } from 'openid-client-5';
import { answerEverything, arrivalOf } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/**
 * The line of openid-client that most apps still run, and the one library here that comes back to its registration (RFC 7592
 * section 2.1). It has no function for the other two requests of that management, which are sent by hand.
 */
const redirectUri = 'https://older.example.test/callback';
let world: World;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld({ DYNAMIC_REGISTRATION: 'open' });
  account = await world.account();
  custom.setHttpOptionsDefaults({ timeout: 20_000 });
});
afterAll(() => world.close());

type Registered = { registration_client_uri: string; registration_access_token: string };

async function registered() {
  const { Client } = await Issuer.discover(world.issuer);
  // What a registration answers is more than the library has types for.
  const { register, fromUri } = Client as unknown as {
    register(said: object): Promise<InstanceType<typeof Client>>;
    fromUri(uri: string, token: string): Promise<InstanceType<typeof Client>>;
  };
  const app = await register.call(Client, { client_name: 'Older', redirect_uris: [redirectUri] });
  const { registration_client_uri: uri, ...at } = app.metadata as unknown as Registered;
  const comesBack = (token = at.registration_access_token) => fromUri.call(Client, uri, token);
  return { Client, app, uri, token: at.registration_access_token, comesBack };
}

it('registers itself, comes back to what was registered, and signs somebody in with it', async () => {
  const { Client, app, comesBack } = await registered();
  const { metadata } = await comesBack();
  const { client_id, client_secret } = app.metadata;
  expect(metadata).toMatchObject({ client_id, redirect_uris: [redirectUri], subject_type: 'pairwise' });
  // Said once, when it was made: only its hash is kept.
  expect(metadata.client_secret).toBeUndefined();
  const later = new Client({ ...metadata, client_secret: String(client_secret) });
  const [verifier, state, nonce] = [generators.codeVerifier(), generators.state(), generators.nonce()];
  const person = world.person();
  await person.goes(
    new URL(
      later.authorizationUrl({
        scope: 'openid email',
        code_challenge: generators.codeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      }),
    ),
  );
  await answerEverything(world, person, account);
  const params = later.callbackParams(arrivalOf(person).href);
  const tokens = await later.callback(redirectUri, params, { code_verifier: verifier, state, nonce });
  const userinfo = await later.userinfo(tokens);
  expect([userinfo.sub, userinfo.email]).toEqual([tokens.claims().sub, account.identifier]);
  await later.revoke(String(tokens.access_token));
  await expect(later.userinfo(tokens)).rejects.toMatchObject({ error: 'invalid_token' });
});

it('sees what was changed, and that it is there no more once it was taken out', async () => {
  const { app, uri, token, comesBack } = await registered();
  const manages = (method: string, bearer: string, body: string | null = null) =>
    fetch(uri, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body,
    });
  const changed = { client_name: 'Newer', redirect_uris: [`${redirectUri}/new`] };
  const { client_id, client_secret } = app.metadata;
  const put = await manages('PUT', token, JSON.stringify({ client_id, client_secret, ...changed }));
  const next = String(((await put.json()) as Registered).registration_access_token);
  expect([put.status, (await comesBack(next)).metadata]).toEqual([200, expect.objectContaining(changed)]);
  await expect(comesBack()).rejects.toMatchObject({ error: 'invalid_token' });
  expect((await manages('DELETE', next)).status).toBe(204);
  await expect(comesBack(next)).rejects.toMatchObject({ error: 'invalid_token' });
});
