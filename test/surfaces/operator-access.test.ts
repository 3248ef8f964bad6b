import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { takeTry } from '../../src/limits/failures.ts';
import { waits } from '../../src/limits/waits.ts';
import { openDesk } from '../../src/operator/desk.ts';
import { runCommand } from '../../src/operator/run-command.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { untilWorks } from '../support/timing.ts';
import { openWorld, type World } from '../support/world.ts';

/** The operator works on the same stores as a running server, through a desk of their own: as another process does. */
let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

// biome-ignore lint/suspicious/noExplicitAny: what a command answers is looked at, not used
async function operator(...args: string[]): Promise<any> {
  const desk = openDesk({
    environment: world.environment,
    stdin: process.stdin,
    stderr: process.stderr,
    serve: async () => {},
  });
  const reply = await runCommand(desk, args).finally(() => desk.close());
  if (!reply.ok) throw new Error(JSON.stringify(reply.problems));
  return JSON.parse(JSON.stringify(reply.data));
}

/** What ends access is looked at where it is ended; that an app itself changed is heard of within a moment (kept-records.ts). */
const soon = (look: () => Promise<void>) => untilWorks(5000, look);

async function somebodySignedIn(app: Awaited<ReturnType<typeof openRelyingParty>>) {
  const account = await world.account();
  const person = world.person();
  const tokens = await app.signsIn(person, account, {
    scope: 'openid email offline_access',
    prompt: 'consent',
  });
  expect(await app.introspects(tokens.access_token)).toMatchObject({ active: true });
  return { account, person, tokens };
}

describe('an account whose password was guessed at until it was off', () => {
  it('shows so, and counts anew once an operator forgave it', async () => {
    const app = await openRelyingParty(world, { first_party: true });
    const account = await world.account();
    const subject = { account: account.accountId };
    for (let tries = 0; tries < (waits.password.offAfter ?? 0); tries += 1) {
      await takeTry(world.services, { proof: 'password', subject });
      world.advance(waits.password.steps.at(-1) ?? 0);
    }
    expect(await operator('accounts', 'show', account.accountId)).toMatchObject({
      wrong_tries: ['password 50 (off)'],
    });
    const person = await world.person().goes(app.asks().url);
    await person.signsIn(account);
    expect(person.left).toBeUndefined();
    await operator('accounts', 'forgive', account.accountId, '--reason', 'on the telephone');
    await person.signsIn(account);
    expect(person.left).toBeDefined();
    expect(await operator('accounts', 'show', account.accountId)).toMatchObject({ wrong_tries: [] });
    await expect(operator('accounts', 'forgive', account.accountId)).rejects.toThrow(/No wrong tries/);
    const [event] = await operator('audit', 'list', '--type', 'account.tries_forgiven', '--limit', '1');
    expect(event).toMatchObject({ account_id: account.accountId, actor: 'operator' });
  });
});

describe('an account that is stopped', () => {
  it.each(['suspend', 'lock', 'delete'])(
    '%s: its sessions and every token of it end at once',
    async (verb) => {
      const app = await openRelyingParty(world);
      const { account, person, tokens } = await somebodySignedIn(app);
      const ended = await operator('accounts', verb, account.accountId);
      expect(ended).toMatchObject({ sessions_ended: 1, grants_revoked: 1 });
      expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
      expect((await app.userinfo(tokens.access_token)).status).toBe(401);
      expect((await app.refreshes(tokens.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
      await person.goes(app.asks().url);
      expect(person.heading).toBe('Sign in');
      await person.submits({ identifier: account.identifier, password: account.password });
      expect(person.left).toBeUndefined();
    },
  );

  it('lets its person sign in again when it is reinstated, and old tokens stay dead', async () => {
    const app = await openRelyingParty(world);
    const { account, tokens } = await somebodySignedIn(app);
    await operator('accounts', 'suspend', account.identifier);
    await operator('accounts', 'reinstate', account.identifier);
    expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
    world.advance(2000);
    const again = await app.signsIn(world.person(), account);
    expect(again.claims()?.sub).toBe(account.accountId);
  });
});

describe('an app that is stopped', () => {
  it('has no live token left when it is disabled, and works again when it is enabled', async () => {
    const app = await openRelyingParty(world);
    const { account, tokens } = await somebodySignedIn(app);
    expect(await operator('apps', 'disable', app.clientId)).toMatchObject({ grants_revoked: 1 });
    const watcher = await openRelyingParty(world, { resource_server: '*' });
    expect(await watcher.introspects(tokens.access_token)).toEqual({ active: false });
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    const refusedAs = (error: string) =>
      soon(async () => expect((await app.refreshes(tokens.refresh_token)).json).toMatchObject({ error }));
    await refusedAs('invalid_client');
    await operator('apps', 'enable', app.clientId);
    await refusedAs('invalid_grant');
    // What is issued says so to the second, and the second of the stop belongs to before.
    world.advance(1000);
    expect((await app.signsIn(world.person(), account)).access_token).toBeDefined();
  });

  it('is forgotten when it is deleted, and asking about its tokens is no error', async () => {
    const app = await openRelyingParty(world);
    const { account, person, tokens } = await somebodySignedIn(app);
    const watcher = await openRelyingParty(world, { resource_server: '*' });
    expect(await operator('apps', 'delete', app.clientId)).toMatchObject({ grants_revoked: 1 });
    expect(await watcher.introspects(tokens.access_token)).toEqual({ active: false });
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect(await operator('grants', 'list', account.accountId)).toEqual([]);
    await soon(async () => {
      await person.goes(app.asks().url);
      expect(person.status).toBe(400);
    });
  });
});

describe('a secret that is rotated', () => {
  it('works beside the old one for the overlap, on a running server', async () => {
    const app = await openRelyingParty(world);
    const { client_secret } = await operator('apps', 'rotate-secret', app.clientId, '--overlap', '1h');
    const asks = (secret: string | undefined) =>
      app.posts('introspection', { token: 'x' }, app.basic(secret)).then(({ status }) => status);
    await soon(async () =>
      expect([await asks(app.clientSecret), await asks(client_secret)]).toEqual([200, 200]),
    );
    world.advance(3_600_000);
    expect([await asks(app.clientSecret), await asks(client_secret)]).toEqual([401, 200]);
    const latest = await operator('apps', 'rotate-secret', app.clientId, '--overlap', '0s');
    await soon(async () =>
      expect([await asks(client_secret), await asks(latest.client_secret)]).toEqual([401, 200]),
    );
  });
});

describe('what people have open', () => {
  it('is listed, and ended one by one or all at once', async () => {
    const app = await openRelyingParty(world);
    const { account, tokens } = await somebodySignedIn(app);
    const [access] = await operator('grants', 'list', account.identifier);
    expect(access).toMatchObject({ client_id: app.clientId, open_grants: 1 });
    expect(access.scopes).toContain('email');
    const sessions = await operator('sessions', 'list', account.identifier);
    expect(sessions).toHaveLength(1);
    await operator('sessions', 'end', account.identifier, '--session', sessions[0].session);
    expect(await operator('sessions', 'list', account.identifier)).toEqual([]);

    await operator('grants', 'revoke', account.identifier, '--client-id', app.clientId);
    expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
    expect(await operator('grants', 'list', account.identifier)).toEqual([]);

    const again = await app.signsIn(world.person(), account, { scope: 'openid email' });
    expect(await operator('sessions', 'end', account.identifier, '--all')).toMatchObject({
      sessions_ended: 1,
    });
    expect(await app.introspects(again.access_token)).toEqual({ active: false });
    const events = await operator('audit', 'list', account.accountId);
    const operators = events.filter((one: { actor: string }) => one.actor === 'operator');
    expect(operators.map((one: { type: string }) => one.type)).toEqual(
      expect.arrayContaining(['session.ended', 'sessions.ended', 'consent.withdrawn']),
    );
    expect(await operator('audit', 'verify')).toMatchObject({ problems: [] });
  });
});

describe('signing keys', () => {
  it('are published by the running server before they sign, without a restart', async () => {
    const { kids } = await operator('keys', 'rotate', '--alg', 'RS256');
    const published = async () => {
      const answer = (await (await fetch(`${world.issuer}/jwks`)).json()) as { keys: { kid: string }[] };
      return answer.keys.map(({ kid }) => kid);
    };
    await soon(async () => expect(await published()).toContain(kids[0]));
    const app = await openRelyingParty(world);
    const signedBy = async () => {
      const { id_token = '' } = await app.signsIn(world.person(), await world.account());
      return JSON.parse(Buffer.from(id_token.split('.')[0] ?? '', 'base64url').toString()).kid;
    };
    expect(await signedBy()).not.toBe(kids[0]);
  });
});
