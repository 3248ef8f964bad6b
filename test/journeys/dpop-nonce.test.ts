import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openSigningApp, type SigningApp } from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Nonces of ours in proofs of possession (RFC 9449 sections 8 and 9), demanded of everybody. */
let world: World;
let beside: World;
let app: SigningApp;
beforeAll(async () => {
  world = await openWorld({ DPOP_NONCE: 'on' });
  beside = await openWorld({}, { beside: world });
  app = await openSigningApp(world);
});
afterAll(async () => {
  await beside.close();
  await world.close();
});

describe('a nonce', () => {
  it('is asked for, is good on every process, and at every endpoint', async () => {
    const account = await world.account();
    const code = await app.getsCode(account);
    const refused = await app.redeems(code, {}, { dpop: app.proof('/token') });
    expect([refused.status, refused.json['error']]).toEqual([400, 'use_dpop_nonce']);
    const nonce = String(refused.headers['dpop-nonce']);
    // Made by one process, shown to another.
    const { verifier: code_verifier, redirectUri: redirect_uri } = app;
    const form = { grant_type: 'authorization_code', code, redirect_uri, code_verifier, ...app.assertion() };
    const tokens = await send(`${world.issuer}/token`, {
      port: beside.port,
      body: new URLSearchParams(form),
      headers: { dpop: app.proof('/token', { nonce }) },
    });
    expect(tokens.json).toMatchObject({ token_type: 'DPoP' });

    const token = String(tokens.json['access_token']);
    const ath = createHash('sha256').update(token).digest('base64url');
    const userinfo = (claims: object) =>
      send(`${world.issuer}/userinfo`, {
        headers: {
          authorization: `DPoP ${token}`,
          dpop: app.proof('/userinfo', { ath, ...claims }, { method: 'GET' }),
        },
      });
    const asked = await userinfo({});
    expect(asked.status).toBe(401);
    expect(asked.headers['www-authenticate']).toContain('use_dpop_nonce');
    expect((await userinfo({ nonce: asked.headers['dpop-nonce'] })).status).toBe(200);
  });

  it('is none that somebody made up, nor one that is old', async () => {
    const redeem = (nonce: string) => app.redeems('none', {}, { dpop: app.proof('/token', { nonce }) });
    expect((await redeem('made-up')).json['error']).toBe('use_dpop_nonce');
    const { headers } = await app.redeems('none', {}, { dpop: app.proof('/token') });
    const nonce = String(headers['dpop-nonce']);
    expect((await redeem(nonce)).json['error']).toBe('invalid_grant');
    world.advance(10 * 60_000);
    expect((await redeem(nonce)).json['error']).toBe('use_dpop_nonce');
  });
});
