import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { isSilentAt } from '../support/cut-short.ts';
import { newKeyPair, proofOf } from '../support/dpop-proof.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import * as televisions from '../support/televisions.ts';
import * as tills from '../support/tills.ts';
import type { Answer } from '../support/wire.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** A token request that was refused, or answered with 503, and the honest app that comes again with the same. */
type Comes = (more?: Record<string, string>) => Promise<Answer>;
type Kind = { name: string; opens(world: World): Promise<Comes> };

const lasting = { scope: 'openid offline_access', prompt: 'consent' };
const nobodys = { resource: 'https://nobody.example.test/' };

const refreshing: Kind = {
  name: 'a refresh token',
  async opens(world) {
    const app = await openRelyingParty(world);
    const { refresh_token } = await app.signsIn(world.person(), await world.account(), lasting);
    return comes(app, { grant_type: 'refresh_token', refresh_token: String(refresh_token) });
  },
};
const redeeming: Kind = {
  name: 'a code',
  async opens(world) {
    const app = await openRelyingParty(world);
    const { code, attempt } = await app.getsCode(world.person(), await world.account());
    const bound = { redirect_uri: app.redirectUri, code_verifier: attempt.verifier };
    return comes(app, { grant_type: 'authorization_code', code, ...bound });
  },
};
const onDevices: Kind[] = [
  {
    name: 'a device code',
    async opens(world) {
      const app = await openRelyingParty(world, televisions.television);
      const codes = await televisions.ask(app);
      await (await televisions.atDevice(world, codes, await world.account())).decides('allow');
      const { device_code } = codes;
      return comes(app, { grant_type: televisions.grantType, device_code, client_id: app.clientId });
    },
  },
  {
    name: 'a CIBA request',
    async opens(world) {
      const [app, account] = [await openRelyingParty(world, tills.till), await world.account()];
      const { auth_req_id } = await tills.ask(app, { login_hint: account.identifier });
      await (await tills.atRequest(world, app, account)).decides('allow');
      return comes(app, { grant_type: tills.grantType, auth_req_id });
    },
  },
];

function comes(app: RelyingParty, form: Record<string, string>): Comes {
  const keys = newKeyPair();
  return (more = {}) => app.posts('token', { ...form, ...more }, proofOf(app, keys));
}

describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open({ REFRESH_GRACE_SECONDS: '0' });
  });
  afterAll(() => world?.close());

  const alarms = async () =>
    (await listEvents(world.services, { limit: 500 })).filter(({ type }) => type.includes('reuse'));

  it.each([refreshing, ...onDevices])(
    '$name is as good after a request for a wrong API',
    async ({ opens }) => {
      const asks = await opens(world);
      const told = (await world.outbox()).length;
      expect((await asks(nobodys)).json).toMatchObject({ error: 'invalid_target' });
      expect((await asks()).status).toBe(200);
      expect(await alarms()).toEqual([]);
      expect(await world.outbox()).toHaveLength(told);
    },
  );

  it.each([redeeming, ...onDevices])(
    '$name is as good after a 503 that came once it was used',
    async ({ opens }) => {
      const asks = await opens(world);
      const silent = isSilentAt(world, (steps) => steps.some(({ key }) => key.endsWith('}:x')));
      expect((await asks()).status).toBe(503);
      silent.comesBack();
      expect(silent.happened()).toBe(true);
      expect((await asks()).status).toBe(200);
      expect(await alarms()).toEqual([]);
    },
  );

  it('a code is over with its first use, whatever came of it (RFC 9700 section 4.2.4)', async () => {
    const asks = await redeeming.opens(world);
    expect((await asks(nobodys)).json).toMatchObject({ error: 'invalid_target' });
    expect((await asks()).json).toMatchObject({ error: 'invalid_grant' });
  });
});
