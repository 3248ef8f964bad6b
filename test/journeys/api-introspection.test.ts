import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { revokeGrants } from '../../src/oidc/grants.ts';
import { type ExampleApis, files, mail, openExampleApis } from '../support/example-apis.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { claimsOf } from '../support/signing-app.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Introspection of tokens for APIs (RFC 7662), of those too that an API reads by itself (RFC 9068). */
let world: World;
let app: RelyingParty;
let account: TestAccount;
let filesServer: RelyingParty;
let mailServer: RelyingParty;
let tokensFor: ExampleApis['tokensFor'];
beforeAll(async () => {
  world = await openWorld();
  ({ app, account, filesServer, mailServer, tokensFor } = await openExampleApis(world));
});
afterAll(() => world.close());

describe('who asks about a token for an API (IR-01, TK-23)', () => {
  async function tokenOf(resource: string, whose: TestAccount): Promise<string> {
    const scope = resource === files ? 'openid files:read' : 'openid mail:read';
    const { code, attempt } = await tokensFor([resource], scope, whose);
    return String((await app.redeems(code, attempt, { resource })).json['access_token']);
  }

  it.each([
    ['a JWT', files],
    ['an opaque one', mail],
  ])('is told by %s if it is the API it is for, and nothing else', async (_, api) => {
    const token = await tokenOf(api, account);
    const [own, other] = api === files ? [filesServer, mailServer] : [mailServer, filesServer];
    expect(await own.introspects(token)).toMatchObject({
      active: true,
      aud: api,
      client_id: app.clientId,
      iss: world.issuer,
    });
    expect(await other.introspects(token)).toEqual({ active: false });
    const [named] = [
      await openRelyingParty(world, { resource_server: [app.clientId], redirect_uris: [], grant_types: [] }),
    ];
    expect(await named.introspects(token)).toEqual({ active: false });
  });

  it('is told that a JWT is over when its grant, its person or its app is', async () => {
    const tokens = [await world.account(), await world.account()].map(async (whose) => ({
      whose,
      token: await tokenOf(files, whose),
    }));
    const [revoked, suspended] = await Promise.all(tokens);
    if (!revoked || !suspended) throw new Error('two tokens');
    for (const { token } of [revoked, suspended])
      expect(await filesServer.introspects(token)).toMatchObject({ active: true });
    await revokeGrants(world.services, { accountId: revoked.whose.accountId });
    expect(await filesServer.introspects(revoked.token)).toEqual({ active: false });
    await suspendAccount(world.services, { accountId: suspended.whose.accountId, reason: 'test' } as never);
    expect(await filesServer.introspects(suspended.token)).toEqual({ active: false });

    const machine = await openRelyingParty(world, {
      resources: [files],
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    });
    const { json } = await machine.posts('token', { grant_type: 'client_credentials', resource: files });
    await disableClient(world.services, { clientId: machine.clientId, reason: '' });
    expect(await filesServer.introspects(String(json['access_token']))).toEqual({ active: false });
  });

  it('is told by the token of an app for itself, whatever its id looks like', async () => {
    const form = { grant_type: 'client_credentials', resource: files };
    for (let each = 0; each < 5; each += 1) {
      const { json } = await app.posts('token', form);
      expect(claimsOf(json['access_token'])['jti']).toMatch(/^[\w-]+$/);
      expect(await filesServer.introspects(String(json['access_token']))).toMatchObject({ active: true });
    }
  });

  it('is told nothing by a JWT that was changed, is no access token, or is over', async () => {
    const token = await tokenOf(files, account);
    const [head = '', body = '', signature = ''] = token.split('.');
    const claims = Buffer.from(JSON.stringify({ ...claimsOf(token), scope: 'files:write' })).toString(
      'base64url',
    );
    for (const forged of [
      `${head}.${claims}.${signature}`,
      `${head}.${body}.${'A'.repeat(signature.length)}`,
      token.slice(0, -2),
    ])
      expect(await filesServer.introspects(forged)).toEqual({ active: false });
    const { code, attempt } = await tokensFor([], 'openid');
    const { json } = await app.redeems(code, attempt);
    expect(await app.introspects(String(json['id_token']))).toEqual({ active: false });
    world.advance(311_000);
    expect(await filesServer.introspects(token)).toEqual({ active: false });
  });

  it('cannot take a JWT back; ending the grant does that', async () => {
    const token = await tokenOf(files, account);
    const { status, json } = await app.posts('revocation', { token });
    expect([status, json['error']]).toEqual([400, 'unsupported_token_type']);
  });
});
