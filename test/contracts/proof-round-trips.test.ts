import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { roundTrips } from '../support/round-trips.ts';
import { type Form, openSigningApp, type SigningApp } from '../support/signing-app.ts';
import { type Answer, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * What is proved with a key leaves a mark of its `jti`, each in a trip of its own and before anything else is looked at
 * (docs/performance.md says why). And an assertion that was used gets nothing.
 */
describe.each(worldKinds)('proofs, on $name', ({ open }) => {
  let world: World;
  let account: TestAccount;
  let app: SigningApp;
  beforeAll(async () => {
    world = await open();
    account = await world.account();
    app = await openSigningApp(world, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
  });
  afterAll(() => world?.close());

  const scope = 'openid offline_access';
  const proved = (path: string) => ({ dpop: app.proof(path) });
  const ways: [string, number, () => Record<string, string>][] = [
    ['an app that proves itself', 1, () => ({})],
    ['one that proves its tokens too', 2, () => proved('/token')],
  ];
  const codeOf = () => app.getsCode(account, app.params({ scope }));
  const token = (form: Form, headers: Record<string, string>) =>
    app.posts('/token', { ...form, ...app.assertion() }, headers);
  const refresh = (refresh_token: unknown, headers: Record<string, string>) =>
    token({ grant_type: 'refresh_token', refresh_token: String(refresh_token) }, headers);

  async function counted(work: () => Promise<Answer>): Promise<[trips: number, Answer]> {
    let answer: Answer | undefined;
    const { trips } = await roundTrips(world, async () => {
      answer = await work();
    });
    expect(answer?.json['error']).toBeUndefined();
    expect(answer?.status).toBeLessThan(300);
    return [trips, answer as Answer];
  }

  describe.each(ways)('%s takes %i more trips', (_, more, headers) => {
    it('for a code and for a refresh token', async () => {
      const code = await codeOf();
      const [exchange, tokens] = await counted(() => app.redeems(code, {}, headers()));
      expect(exchange).toBe(2 + more);
      expect((await counted(() => refresh(tokens.json['refresh_token'], headers())))[0]).toBe(2 + more);
    });

    it('for a token for itself', async () => {
      const asks = () => token({ grant_type: 'client_credentials' }, headers());
      expect((await counted(asks))[0]).toBe(1 + more);
    });
  });

  it('a request is pushed in two, with a proof in three', async () => {
    const push = (given: Record<string, string>) =>
      app.posts('/par', { ...app.assertion(), ...app.params() }, given);
    expect((await counted(() => push({})))[0]).toBe(2);
    expect((await counted(() => push(proved('/par'))))[0]).toBe(3);
  });

  async function boundToken(): Promise<string> {
    const { json } = await app.redeems(await codeOf(), {}, proved('/token'));
    return String(json['access_token']);
  }
  const userinfo = (accessToken: string, dpop: string) =>
    send(`${world.issuer}/userinfo`, { headers: { authorization: `DPoP ${accessToken}`, dpop } });
  const proofFor = (accessToken: string) =>
    app.proof('/userinfo', { ath: digestOf(accessToken) }, { method: 'GET' });

  it('introspection by an app that proves itself takes two trips, and userinfo with a proof two', async () => {
    const accessToken = await boundToken();
    const about = () => app.posts('/introspect', { token: accessToken, ...app.assertion() });
    const [trips, { json }] = await counted(about);
    expect([trips, json['active']]).toEqual([2, true]);
    expect((await counted(() => userinfo(accessToken, proofFor(accessToken))))[0]).toBe(2);
  });

  /** Every try with the same assertion or proof: the first is good, the second is not, and takes nothing with it. */
  const refused = (answer: Answer, [status, error]: [number, string]) =>
    expect([answer.status, answer.json]).toEqual([status, expect.objectContaining({ error })]);

  it('an assertion that was used gets nothing anywhere, and leaves all it names unused', async () => {
    const [code, asserted] = [await codeOf(), app.assertion()];
    const nobody: [number, string] = [401, 'invalid_client'];
    const first = await app.posts('/token', { grant_type: 'client_credentials', ...asserted });
    expect(first.status).toBe(200);
    refused(await app.posts('/token', { grant_type: 'client_credentials', ...asserted }), nobody);
    refused(await app.posts('/par', { ...app.params(), ...asserted }), nobody);
    refused(
      await app.posts('/introspect', { token: String(first.json['access_token']), ...asserted }),
      nobody,
    );
    refused(await app.redeems(code, asserted), nobody);
    const exchange = await app.redeems(code);
    expect(exchange.status).toBe(200);
    const refresh_token = String(exchange.json['refresh_token']);
    refused(await app.posts('/token', { grant_type: 'refresh_token', refresh_token, ...asserted }), nobody);
    expect((await refresh(refresh_token, {})).status).toBe(200);
  });

  it.each<[string, string, Form]>([
    ['no pushed request', '/par', { redirect_uri: 'https://evil.test/' }],
    ['no grant type', '/token', { grant_type: 'none' }],
    ['no scope of its own', '/token', { grant_type: 'client_credentials', scope: 'x y "' }],
    ['no code', '/token', { grant_type: 'authorization_code' }],
    ['no token to tell of', '/introspect', {}],
  ])('an assertion is used up by a request that is refused for another reason: %s', async (_, path, form) => {
    const asserted = app.assertion();
    const given = path === '/par' ? { ...app.params(), ...form } : form;
    refused(await app.posts(path, { ...given, ...asserted }), [400, expect.any(String) as never]);
    refused(await app.posts(path, { ...given, ...asserted }), [401, 'invalid_client']);
  });
});

function digestOf(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest('base64url');
}
