import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { retireKey } from '../../src/actions/retire-key.ts';
import { days, hours, minutes } from '../../src/kit/durations.ts';
import { rotateOnSchedule } from '../../src/oidc/keys/key-schedule.ts';
import { listKeys } from '../../src/oidc/keys/signing-keys.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { headerOf, isSignedBy, type Jwks } from '../support/signatures.ts';
import { until } from '../support/timing.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

const algs = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
let world: World;
let account: TestAccount;
const apps = new Map<string, RelyingParty>();
beforeAll(async () => {
  world = await openWorld({ KEY_ROTATION_DAYS: '30' });
  account = await world.account();
  for (const alg of algs) apps.set(alg, await openRelyingParty(world, { id_token_signed_response_alg: alg }));
});
afterAll(() => world.close());

/** Those that sign; beside them stand those that requests are encrypted to. */
async function published(of: World = world): Promise<Jwks> {
  const { keys } = (await send(`${of.issuer}/jwks`)).json as Jwks;
  return { keys: keys.filter((key) => key.use === 'sig') };
}

const kidsOf = ({ keys }: Jwks) => keys.map(({ kid }) => kid).sort();

async function idToken(alg: string): Promise<string> {
  const tokens = await (apps.get(alg) as RelyingParty).signsIn(world.person(), account);
  return String(tokens.id_token);
}

describe('the keys that sign', () => {
  it.each(algs)('sign with %s what anybody can verify by the published keys', async (alg) => {
    const token = await idToken(alg);
    expect(headerOf(token).alg).toBe(alg);
    expect(isSignedBy(token, await published())).toBe(true);
    expect(isSignedBy(`${token.slice(0, -8)}AAAAAAAA`, await published())).toBe(false);
  });

  it('are published with their public members only, strong, and small to read (KR-05)', async () => {
    await published();
    const answer = await send(`${world.issuer}/jwks`);
    expect(answer.headers['cache-control']).toBe('public, max-age=300');
    expect(answer.text.length).toBeLessThan(4096);
    const { keys } = answer.json as Jwks;
    expect(keys.map(({ kty, crv, alg }) => [kty, crv, alg]).sort()).toEqual([
      // What request objects are encrypted to, by any of the algorithms of its kind.
      ['EC', 'P-256', undefined],
      ['EC', 'P-256', 'ES256'],
      ['OKP', 'Ed25519', 'EdDSA'],
      // One key for RS256 and PS256: it names neither (RFC 7517 section 4.4).
      ['RSA', undefined, undefined],
    ]);
    for (const key of keys) {
      expect(key).toMatchObject({
        use: expect.stringMatching(/^(sig|enc)$/),
        kid: expect.stringMatching(/^[\w-]{20,}$/),
      });
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv'])
        expect(key).not.toHaveProperty(secret);
      if (key.n) expect(Buffer.from(key.n, 'base64url').length * 8).toBeGreaterThanOrEqual(3072);
    }
    const discovery = (await send(`${world.issuer}/.well-known/openid-configuration`)).json;
    expect((discovery['id_token_signing_alg_values_supported'] as string[]).toSorted()).toEqual(
      [...algs].sort(),
    );
  });
});

describe('a rotation on schedule (KR-01)', () => {
  it('publishes, waits until caches have seen it, switches, and drops the old only when nothing needs it', async () => {
    expect(await rotateOnSchedule(world.services)).toEqual([]);
    const first = await published();
    // It looks when it starts, and finds nothing due.
    const beside = await openWorld({}, { beside: world });
    world.advance(30 * days);
    const old = await idToken('ES256');
    try {
      // Every process looks at the same moment; one of them makes the keys, and all publish the same ones.
      const made = await Promise.all([world, beside].map(({ services }) => rotateOnSchedule(services)));
      expect(made.flat().length).toBe(3);
      expect(await rotateOnSchedule(world.services)).toEqual([]);
      for (const one of [world, beside]) await until(async () => (await published(one)).keys.length === 6);
      expect(kidsOf(await published(beside))).toEqual(kidsOf(await published()));
    } finally {
      await beside.close();
    }
    const cached = await published();
    // What was published goes on under the same names.
    expect(kidsOf(cached)).toEqual(expect.arrayContaining(kidsOf(first)));

    const between = await idToken('ES256');
    expect([headerOf(between).kid, isSignedBy(between, first)]).toEqual([headerOf(old).kid, true]);

    world.advance(16 * minutes);
    await until(async () => headerOf(await idToken('ES256')).kid !== headerOf(old).kid);
    for (const alg of algs) expect(isSignedBy(await idToken(alg), cached)).toBe(true);
    expect(isSignedBy(old, await published())).toBe(true);

    world.advance(24 * hours);
    await until(async () => (await published()).keys.length === 3);
    expect(isSignedBy(old, await published())).toBe(false);
    expect(isSignedBy(await idToken('PS256'), await published())).toBe(true);

    // Months later an app still signs people out by what it got when they came.
    const app = apps.get('ES256') as RelyingParty;
    const person = world.person();
    await app.signsIn(person, account);
    const goodbye = app.redirectUri.replace('/callback', '/goodbye');
    const hinted = { id_token_hint: old, post_logout_redirect_uri: goodbye };
    await person.goes(`${app.endpoint('end_session')}?${new URLSearchParams(hinted)}`);
    await person.submits({ logout: 'yes' });
    expect(person.left?.href).toBe(goodbye);
  });
});

describe('a key that leaked', () => {
  it('is gone at once on every process, and another signs', async () => {
    const beside = await openWorld({}, { beside: world });
    try {
      const stolen = await idToken('RS256');
      const { kid } = headerOf(stolen);
      expect(await retireKey(world.services, { kid })).toEqual({ ok: false, reason: 'last_signing_key' });
      const both = await Promise.all([
        retireKey(world.services, { kid, replace: true }),
        retireKey(beside.services, { kid, replace: true }),
      ]);
      expect(both.filter(({ ok }) => ok).length).toBe(1);
      for (const one of [world, beside]) await until(async () => !isSignedBy(stolen, await published(one)));
      const now = await idToken('RS256');
      expect(isSignedBy(now, await published(beside))).toBe(true);
      const keys = await listKeys(world.services);
      expect(keys.filter(({ state }) => state === 'signing').length).toBe(3);

      // What it signed is no proof of anything any more.
      const app = apps.get('RS256') as RelyingParty;
      const person = await world.person().goes(app.asks({ id_token_hint: stolen, prompt: 'none' }).url);
      expect(person.left?.searchParams.get('error')).toBe('invalid_request');
    } finally {
      await beside.close();
    }
  });
});

it('rotates by itself, without a word from anybody, as soon as a process is there that finds it due', async () => {
  world.advance(31 * days);
  const before = kidsOf(await published());
  const started = await openWorld({}, { beside: world });
  try {
    const isNew = async (one: World) =>
      kidsOf(await published(one)).filter((kid) => !before.includes(kid)).length === 3;
    for (const one of [started, world]) await until(() => isNew(one));
  } finally {
    await started.close();
  }
});
