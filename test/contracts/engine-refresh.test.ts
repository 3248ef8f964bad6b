import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { days, minutes, seconds } from '../../src/kit/durations.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import type { LiveKey } from '../../src/store/live.ts';
import { anonymous, openRelyingParty, type RelyingParty, type Tokens } from '../support/relying-party.ts';
import { untilWorks } from '../support/timing.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';

/**
 * Refresh tokens that come twice: when it is an honest app, and when it is not (decision 0017; RFC 9700 section 4.14.2). On
 * two servers, as a process does not know what the other one is answering.
 */
const lasting = { scope: 'openid email offline_access', prompt: 'consent' };
const grace = 10 * seconds;

describe.each(pairKinds)('a refresh token on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  let first: Tokens;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    app = await openRelyingParty(world);
  });
  afterAll(() => pair?.close());

  const begin = async (by = app) => {
    account = await world.account();
    first = await by.signsIn(world.person(), account, lasting);
  };
  const refresh = (token: unknown, at: World = world, by = app, more: Record<string, string> = {}) =>
    send(by.endpoint('token'), {
      headers: { ...by.basic(), 'x-forwarded-for': newAddress() },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: String(token),
        ...(by.clientSecret ? {} : { client_id: by.clientId }),
        ...more,
      }),
      port: at.port,
    });
  const alarms = async (accountId = account.accountId) => {
    const events = await listEvents(world.services, { accountId, limit: 100 });
    return events.filter(({ type }) => type === 'refresh_token.reuse_detected').length;
  };
  /** An alarm is recorded while the answer leaves. */
  const alarmed = () =>
    untilWorks(5000, async () => expect([await alarms(), await warnings()]).toEqual([1, 1]));
  const calm: string[] = [];
  const warnings = async () =>
    (await world.outbox()).filter(
      ({ to, text }) =>
        to === account.identifier && text.includes(app.name) && /twice|second time/i.test(text),
    ).length;
  const lives = async (accessToken: unknown) => (await app.userinfo(String(accessToken))).status === 200;
  const expectOver = async (...tokens: unknown[]) => {
    for (const token of tokens) expect(await lives(token)).toBe(false);
  };
  const refused = { error: 'invalid_grant' };

  it('gives fifty honest uses at the same moment, over two servers, one and the same successor', async () => {
    await begin();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => refresh(first.refresh_token, at % 2 ? world : pair.beside)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set(answers.map(({ json }) => json['refresh_token']));
    expect(successors.size).toBe(1);
    for (const { json } of answers.slice(0, 5)) expect(await lives(json['access_token'])).toBe(true);
    calm.push(account.accountId);
    const [successor] = successors;
    const next = await refresh(successor, pair.beside);
    expect(next.status).toBe(200);
    expect(next.json['refresh_token']).not.toBe(successor);
  });

  it('gives who comes again for a lost answer the same successor, and an access token that is good', async () => {
    await begin();
    const [lost, again] = await world.still(async () => {
      const before = await refresh(first.refresh_token);
      world.advance(grace - 1 * seconds);
      return [before, await refresh(first.refresh_token, pair.beside, app, { scope: 'openid' })] as const;
    });
    expect(again.json['refresh_token']).toBe(lost.json['refresh_token']);
    expect(again.json).toMatchObject({ scope: 'openid', token_type: 'Bearer' });
    for (const { json } of [lost, again]) expect(await lives(json['access_token'])).toBe(true);
    calm.push(account.accountId);
  });

  it.each<[string, (used: Answer) => Promise<Answer>]>([
    [
      'comes again after the time of grace',
      async () => {
        world.advance(grace + seconds);
        return refresh(first.refresh_token, pair.beside);
      },
    ],
    [
      'comes again though its successor was used',
      async ({ json }) => {
        expect((await refresh(json['refresh_token'])).status).toBe(200);
        return refresh(first.refresh_token, pair.beside);
      },
    ],
    [
      'comes again when nothing is stored of it any more',
      async () => {
        world.advance(20 * days);
        const key = layout.underGrant('r', String(first.refresh_token))?.key as LiveKey;
        await world.services.live.commit([{ do: 'delete', key }]);
        return refresh(first.refresh_token, pair.beside);
      },
    ],
  ])('that %s ends all that came of it, and the person is told', async (_, comeAgain) => {
    await begin();
    const used = await refresh(first.refresh_token);
    expect(used.status).toBe(200);
    expect((await comeAgain(used)).json).toMatchObject(refused);
    expect((await refresh(used.json['refresh_token'])).json).toMatchObject(refused);
    await expectOver(first.access_token, used.json['access_token']);
    await alarmed();
  });

  it('that was used and comes from another app ends all that came of it; one that was not stays good', async () => {
    const another = await openRelyingParty(world);
    await begin();
    expect((await refresh(first.refresh_token, world, another)).json).toMatchObject(refused);
    const used = await refresh(first.refresh_token);
    expect((await refresh(first.refresh_token, pair.beside, another)).json).toMatchObject(refused);
    await expectOver(first.access_token, used.json['access_token']);
    expect((await refresh(used.json['refresh_token'])).json).toMatchObject(refused);
    await alarmed();
  });

  it('that was used and comes with a wrong secret, or none, ends all that came of it', async () => {
    for (const headers of [app.basic('wrong'), anonymous]) {
      await begin();
      const body = { grant_type: 'refresh_token', refresh_token: String(first.refresh_token) };
      const named = { ...body, client_id: app.clientId };
      expect(
        (await app.posts('token', headers === anonymous ? named : body, headers)).status,
      ).toBeGreaterThan(399);
      const used = await refresh(first.refresh_token);
      expect(used.status).toBe(200);
      expect(
        (await app.posts('token', headers === anonymous ? named : body, headers)).status,
      ).toBeGreaterThan(399);
      await expectOver(first.access_token, used.json['access_token']);
      await alarmed();
    }
  });

  it('that ended by itself is refused without an alarm, used or not', async () => {
    await begin();
    const used = await refresh(first.refresh_token);
    world.advance(31 * days);
    for (const token of [first.refresh_token, used.json['refresh_token']])
      expect((await refresh(token)).json).toMatchObject(refused);
    calm.push(account.accountId);
  });

  it('that nobody gave out is refused without an alarm, whoever knows the grant it names', async () => {
    await begin();
    const real = String(first.refresh_token);
    const forged = [
      `${real.slice(0, 22)}${'A'.repeat(44)}`,
      `${real.slice(0, -1)}${real.endsWith('A') ? 'B' : 'A'}`,
      `${real.slice(0, 30)}${real[30] === 'x' ? 'y' : 'x'}${real.slice(31)}`,
      `${first.access_token}A`,
    ];
    for (const token of forged) expect((await refresh(token)).json).toMatchObject(refused);
    calm.push(account.accountId);
    expect((await refresh(real)).status).toBe(200);
  });

  it('that was used is not active to whoever asks, also within the time of grace', async () => {
    await begin();
    const used = await refresh(first.refresh_token);
    expect(await app.introspects(first.refresh_token)).toEqual({ active: false });
    expect(await app.introspects(String(used.json['refresh_token']))).toMatchObject({ active: true });
    calm.push(account.accountId);
  });

  it('is no alarm when it is spent for nothing: its grant ended meanwhile', async () => {
    await begin();
    const used = await refresh(first.refresh_token);
    await app.posts('revocation', { token: String(used.json['refresh_token']) });
    expect((await refresh(first.refresh_token)).json).toMatchObject(refused);
    world.advance(5 * minutes);
    expect((await refresh(first.refresh_token)).json).toMatchObject(refused);
    calm.push(account.accountId);
  });

  it('raised no other alarm', async () => {
    expect(calm.length).toBeGreaterThan(4);
    for (const accountId of calm) expect(await alarms(accountId)).toBe(0);
  });
});
