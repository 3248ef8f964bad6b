import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seconds } from '../../src/kit/durations.ts';
import { grantIdLength, layout } from '../../src/oidc/live-layout.ts';
import type { LiveKey } from '../../src/store/live.ts';
import { type KeyPair, newKeyPair, proofOf } from '../support/dpop-proof.ts';
import { files, openExampleApis } from '../support/example-apis.ts';
import { patienceMs } from '../support/patience.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { has, meanwhile, pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import type { Answer } from '../support/wire.ts';
import type { World } from '../support/world.ts';

/** Who comes a second time within the time of grace: the app itself, or somebody else (decision 0017). */
const lasting = { scope: 'openid offline_access', prompt: 'consent' };

describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
  });
  afterAll(() => pair?.close());

  async function bound(app: RelyingParty, keys: KeyPair | undefined): Promise<Answer> {
    const { code, attempt } = await app.getsCode(world.person(), await world.account(), lasting);
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri };
    const named = app.clientSecret ? {} : { client_id: app.clientId };
    const body = { ...form, ...named, code_verifier: attempt.verifier };
    return app.posts('token', body, keys && proofOf(app, keys));
  }

  const refresh = (app: RelyingParty, token: unknown, keys?: KeyPair, more: Record<string, string> = {}) =>
    app.posts(
      'token',
      {
        grant_type: 'refresh_token',
        refresh_token: String(token),
        ...(app.clientSecret ? {} : { client_id: app.clientId }),
        ...more,
      },
      keys && proofOf(app, keys),
    );
  const isActive = async (app: RelyingParty, token: unknown) =>
    (await world.services.live.read([layout.grant(String(token).slice(0, grantIdLength))]))[0] !==
      undefined &&
    (app.clientSecret === undefined || (await app.introspects(String(token)))['active'] === true);

  it.each([
    ['a public app', { token_endpoint_auth_method: 'none' }],
    ['an app with a secret', {}],
  ])(
    'the same key of %s gets the same successor, another key or none ends the grant',
    async (_, metadata) => {
      const app = await openRelyingParty(world, metadata);
      for (const second of ['same', 'another', 'none'] as const) {
        const keys = newKeyPair();
        const first = (await bound(app, keys)).json;
        const used = await refresh(app, first['refresh_token'], keys);
        expect(used.json['token_type']).toBe('DPoP');
        const comes = { same: keys, another: newKeyPair(), none: undefined }[second];
        const again = await refresh(app, first['refresh_token'], comes);
        if (second === 'same') {
          expect(again.json['refresh_token']).toBe(used.json['refresh_token']);
          expect(await isActive(app, used.json['access_token'])).toBe(true);
        } else {
          expect(again.json).toMatchObject({ error: 'invalid_grant' });
          expect(await isActive(app, used.json['access_token'])).toBe(false);
        }
      }
    },
  );

  it('the same key is the same sender and another key another, whether its tokens are read by an API or stored', async () => {
    const { app, tokensFor } = await openExampleApis(world);
    const [forUserinfo, forFiles]: Record<string, string>[] = [{}, { resource: files }];
    const ways = [
      [forUserinfo, forFiles],
      [forFiles, forUserinfo],
      [forFiles, forFiles],
    ];
    for (const [one, two] of ways)
      for (const second of ['same', 'another'] as const) {
        const { code, attempt } = await tokensFor([files], 'openid offline_access files:read');
        const { refresh_token: first } = (await app.redeems(code, attempt)).json;
        const keys = newKeyPair();
        const used = await refresh(app, first, keys, one);
        expect(used.json['token_type']).toBe('DPoP');
        const again = await refresh(app, first, second === 'same' ? keys : newKeyPair(), two);
        expect([again.status, await isActive(app, used.json['refresh_token'])]).toEqual(
          second === 'same' ? [200, true] : [400, false],
        );
      }
  });

  it('a public app without keys gets the same successor, and one that brings a key now is somebody else', async () => {
    const app = await openRelyingParty(world, { token_endpoint_auth_method: 'none' });
    const first = (await bound(app, undefined)).json;
    const used = await refresh(app, first['refresh_token']);
    const again = await refresh(app, first['refresh_token']);
    expect(again.json['refresh_token']).toBe(used.json['refresh_token']);
    const other = await refresh(app, first['refresh_token'], newKeyPair());
    expect(other.json).toMatchObject({ error: 'invalid_grant' });
    expect(await isActive(app, used.json['access_token'])).toBe(false);
  });

  it('two keys of one app at the very same moment are two senders', async () => {
    const app = await openRelyingParty(world);
    const first = (await bound(app, undefined)).json;
    const answers: Answer[] = [];
    // The one is answered while the other is about to commit.
    const meeting = meanwhile(world, has('consume', String(usedKey(first['refresh_token']))), async () => {
      answers.push(await refresh(app, first['refresh_token'], newKeyPair()));
    });
    answers.push(await refresh(app, first['refresh_token'], newKeyPair()));
    expect(meeting.happened()).toBe(true);
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    expect(await isActive(app, answers[0]?.json['access_token'])).toBe(false);
  });

  it('who loses by a hair gets what the winner got, and an access token of its own', async () => {
    const app = await openRelyingParty(world);
    const first = (await bound(app, undefined)).json;
    const answers: Answer[] = [];
    const meeting = meanwhile(world, has('consume', String(usedKey(first['refresh_token']))), async () => {
      answers.push(await refresh(app, first['refresh_token']));
    });
    answers.push(await refresh(app, first['refresh_token']));
    expect(meeting.happened()).toBe(true);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ json }) => json['refresh_token'])).size).toBe(1);
    expect(new Set(answers.map(({ json }) => json['access_token'])).size).toBe(2);
    for (const { json } of answers) expect(await isActive(app, json['access_token'])).toBe(true);
    expect((await refresh(app, answers[1]?.json['refresh_token'])).status).toBe(200);
  });

  it('who loses by a hair to a grant that was revoked gets nothing', async () => {
    const app = await openRelyingParty(world);
    const first = (await bound(app, undefined)).json;
    const meeting = meanwhile(world, has('consume', String(usedKey(first['refresh_token']))), async () => {
      await app.posts('revocation', { token: String(first['refresh_token']) });
    });
    expect((await refresh(app, first['refresh_token'])).json).toMatchObject({ error: 'invalid_grant' });
    expect(meeting.happened()).toBe(true);
  });

  it('what the store holds of a used token tells nobody its successor, and is gone soon', async () => {
    const app = await openRelyingParty(world);
    const first = (await bound(app, undefined)).json;
    const key = usedKey(first['refresh_token']);
    const used = await refresh(app, first['refresh_token']);
    const [entry] = await world.services.live.read([key]);
    const secret = String(used.json['refresh_token']).slice(grantIdLength + 4);
    expect(entry?.consumedBy).toBeDefined();
    for (let at = 0; at + 8 <= secret.length; at += 1)
      expect(JSON.stringify(entry)).not.toContain(secret.slice(at, at + 8));
    // The embedded store goes by the clock that a test moves; Redis by its own (see the contract of the live state).
    const spends: number[] = [];
    const { live } = world.services;
    const commit = live.commit;
    live.commit = (steps) => {
      for (const step of steps)
        if (step.do === 'consume') spends.push(step.keepMs ?? Number.POSITIVE_INFINITY);
      return commit(steps);
    };
    await refresh(app, used.json['refresh_token']);
    live.commit = commit;
    // Ten of grace, and what may pass until a request in doubt is heard of: nine times as long as a page waits for its store.
    expect(spends).toEqual([61 * seconds + 9 * patienceMs]);
  });
});

describe.each(pairKinds)('without a time of grace, on $name', ({ open }) => {
  it('the second of two uses ends the grant, also at the same moment', async () => {
    const pair = await open({ REFRESH_GRACE_SECONDS: '0' });
    try {
      const app = await openRelyingParty(pair.world);
      for (const times of [2, 20]) {
        const tokens = await app.signsIn(pair.world.person(), await pair.world.account(), lasting);
        const answers = await Promise.all(
          Array.from({ length: times }, () => app.refreshes(tokens.refresh_token)),
        );
        expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
        for (const { status } of answers) expect([200, 400]).toContain(status);
        for (const { json } of answers)
          if (json['access_token'])
            expect(await app.introspects(String(json['access_token']))).toEqual({ active: false });
      }
    } finally {
      await pair.close();
    }
  });
});

function usedKey(token: unknown): LiveKey {
  return layout.underGrant('r', String(token))?.key as LiveKey;
}
