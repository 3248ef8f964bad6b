import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { symbols } from 'pino';
import { openCompatApp } from '../../compat/compat-app.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { until } from '../../support/timing.ts';
import { newAddress } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';

/** What whoever runs an app that is refused finds: a line in the log, and when it could not prove itself the record. */
let world: World;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  world = await openWorld();
  const log = world.services.log as unknown as Record<PropertyKey, unknown>;
  log[symbols.streamSym] = { write: (line: string) => lines.push(JSON.parse(line)) };
  log['level'] = 'info';
});
afterAll(() => world.close());

const wrong = 'canary-wrong-secret-0123456789abcdefghijkl';
const endpoints = [
  'token',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
  'backchannel_authentication',
] as const;

function refusalsOf(clientId: string) {
  return lines.filter(
    (line) => line['msg'] === 'a request of an app was refused' && line['clientId'] === clientId,
  );
}

async function recorded(clientId: string) {
  const rows = await world.services.db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'client.authentication_failed')
    .where('client_id', '=', clientId)
    .execute();
  return rows.map(({ detail, ...row }) => ({ ...row, detail: JSON.parse(detail) as object }));
}

function fails(app: RelyingParty, endpoint: (typeof endpoints)[number], address = newAddress()) {
  const form = { grant_type: 'client_credentials', token: 'x' };
  return app.posts(endpoint, form, { ...app.basic(wrong), 'x-forwarded-for': address });
}

it.each(endpoints)('logs and records a wrong secret at the endpoint %s', async (endpoint) => {
  const app = await openRelyingParty(world);
  expect(await fails(app, endpoint)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  const [line, ...others] = refusalsOf(app.clientId);
  expect(others).toEqual([]);
  expect(line).toMatchObject({ route: endpoint, error: 'invalid_client', reason: 'invalid secret provided' });
  expect(line?.['requestId']).toMatch(/./);
  await until(async () => (await recorded(app.clientId)).length === 1);
  expect(await recorded(app.clientId)).toMatchObject([
    {
      actor: 'client',
      request_id: line?.['requestId'],
      detail: { reason: 'invalid secret provided', method: 'client_secret_basic' },
    },
  ]);
});

it('logs what else is refused at these endpoints, with what the app was told where the engine says no more', async () => {
  const app = await openRelyingParty(world);
  for (const endpoint of [
    'pushed_authorization_request',
    'device_authorization',
    'backchannel_authentication',
  ] as const)
    expect((await app.posts(endpoint, { scope: 'openid' })).status).toBe(400);
  const refused = refusalsOf(app.clientId);
  expect(refused.map(({ route }) => route)).toEqual([
    'pushed_authorization_request',
    'device_authorization',
    'backchannel_authentication',
  ]);
  for (const { reason } of refused) expect(reason).toMatch(/./);
  expect(await recorded(app.clientId)).toEqual([]);
});

it('logs what the endpoints of the Login-with-Amazon kind refuse under the reference that the answer gives', async () => {
  const app = await openCompatApp(world);
  const { clientId } = app;
  const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId, client_secret: wrong };
  const { status, json } = await app.posts('/auth/o2/token', form);
  expect([status, json['error']]).toEqual([401, 'invalid_client']);
  expect(refusalsOf(clientId)).toMatchObject([
    { requestId: json['request_id'], error: 'invalid_client', reason: 'invalid secret provided' },
  ]);
  await until(async () => (await recorded(clientId)).length === 1);
  expect(await recorded(clientId)).toMatchObject([{ request_id: json['request_id'] }]);

  const unknown = await app.posts('/auth/o2/create/codepair', {
    response_type: 'device_code',
    client_id: 'nobody',
  });
  const token = await app.posts('/auth/o2/token', { ...form, client_secret: app.clientSecret });
  for (const answer of [unknown, token])
    expect(lines.filter(({ requestId }) => requestId === answer.json['request_id'])).toMatchObject([
      { msg: 'a request of an app was refused', reason: expect.stringMatching(/./) },
    ]);
});

it('records an app that fails from one network once a minute, and of one app no more than sixty an hour', async () => {
  const app = await openRelyingParty(world);
  const address = newAddress();
  for (const endpoint of endpoints) await fails(app, endpoint, address);
  await until(async () => (await recorded(app.clientId)).length === 1);
  world.advance(61_000);
  await fails(app, 'token', address);
  await until(async () => (await recorded(app.clientId)).length === 2);
  for (let at = 0; at < 70; at += 1) await fails(app, 'token');
  // What is recorded of another that failed later comes after all of these.
  const other = await openRelyingParty(world);
  await fails(other, 'token');
  await until(async () => (await recorded(other.clientId)).length === 1);
  expect(await recorded(app.clientId)).toHaveLength(60);
  expect(refusalsOf(app.clientId)).toHaveLength(77);
});

it('records nothing for names that no app has, and repeats no secret', async () => {
  const app = await openRelyingParty(world);
  const nobody = `Basic ${Buffer.from(`nobody:${wrong}`).toString('base64')}`;
  expect(
    (await app.posts('token', { grant_type: 'client_credentials' }, { authorization: nobody })).status,
  ).toBe(401);
  expect(await recorded('nobody')).toEqual([]);
  const audit = await world.services.db.selectFrom('audit_events').selectAll().execute();
  expect(JSON.stringify([lines, audit])).not.toContain(wrong);
});
