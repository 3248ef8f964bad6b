import { describe, expect, it } from '@jest/globals';
import type { AdapterPayload } from 'oidc-provider';
import { browserNames } from '../../src/oidc/browser-fragments.ts';
import {
  readGrant,
  readLoneToken,
  readSession,
  readToken,
  writeGrant,
  writeLoneToken,
  writeSession,
  writeToken,
} from '../../src/oidc/record-forms.ts';
import { readSpent, writeSpent } from '../../src/oidc/rotation.ts';
import type { StoredGrant } from '../../src/oidc/stored-grant.ts';
import { fc } from '../support/properties.ts';

/** What is written down shortly is read back as it was, whatever it was: the engine's payloads are an open set. */
const seconds = fc.integer({ min: 1, max: 4_000_000_000 });
const id = fc.string({ minLength: 1, maxLength: 43 });
const scope = fc.oneof(
  fc
    .uniqueArray(fc.constantFrom('openid', 'profile', 'email', 'phone', 'address', 'offline_access'))
    .map((all) => all.join(' ')),
  fc.string(),
  fc.constantFrom('=', '=openid', 'openid  email', ' openid', 'constructor', '__proto__'),
);
const anything = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)));
const amr = fc.oneof(fc.array(fc.constantFrom('pwd', 'otp', 'mfa')), fc.array(fc.string()), anything);
/** Members that no table knows, and those that it knows with values that nobody expects. */
const surprises = fc.dictionary(
  fc.oneof(
    fc.constantFrom(
      'gty',
      'scope',
      'amr',
      'authTime',
      'rotations',
      'openid',
      'seen',
      'authorizations',
      'transient',
    ),
    id,
  ),
  anything,
);

const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const times = { iat: optional(fc.oneof(seconds, fc.constant(1.5))), exp: optional(seconds) };

const tokens = fc
  .record({
    ...times,
    accountId: optional(id),
    clientId: optional(id),
    grantId: optional(id),
    sessionUid: optional(id),
    expiresWithSession: optional(fc.boolean()),
    scope: optional(scope),
    gty: optional(fc.constantFrom('authorization_code', 'authorization_code refresh_token', 'device_code')),
    amr: optional(amr),
    authTime: optional(fc.oneof(seconds, anything)),
    iiat: optional(seconds),
    rotations: optional(fc.nat()),
    nonce: optional(fc.string()),
    claims: optional(anything),
  })
  .chain((payload) => surprises.map((more) => ({ kind: 'AccessToken', ...payload, ...more })));

/** As JSON would give it back: without what is undefined, and without the id it is found by. */
function kept(payload: object): AdapterPayload {
  const { jti: _jti, ...rest } = JSON.parse(JSON.stringify(payload)) as AdapterPayload;
  return rest;
}

describe('a record that is written down shortly', () => {
  it('is a token as it was, with its grant at hand or without', () => {
    fc.assert(
      fc.property(
        tokens,
        optional(id),
        optional(id),
        optional(id),
        (payload, accountId, clientId, sessionUid) => {
          const grant = kept({ kind: 'Grant', accountId, clientId, sessionUid }) as StoredGrant;
          for (const known of [grant, undefined]) {
            const beside = { letter: 'a', grantId: 'g'.repeat(22) } as const;
            const value = writeToken(kept(payload), { ...beside, grant: known });
            expect(readToken(value, { ...beside, grant })).toEqual(kept(payload));
          }
        },
      ),
    );
  });

  it('is a token under no grant as it was', () => {
    fc.assert(
      fc.property(tokens, (payload) => {
        expect(readLoneToken(writeLoneToken(kept(payload), 'k'), 'k')).toEqual(kept(payload));
      }),
    );
  });

  it('is a grant as it was', () => {
    const openid = fc.oneof(fc.record({ scope }), fc.record({ scope, claims: fc.array(id) }), anything);
    const grants = fc.record({
      ...times,
      kind: fc.constant('Grant'),
      accountId: optional(id),
      clientId: optional(id),
      sessionUid: optional(id),
      sessionOver: optional(fc.constant(true)),
      openid: optional(openid),
      rejected: optional(fc.oneof(fc.record({ openid }), anything)),
      resources: optional(fc.dictionary(id, scope)),
    });
    fc.assert(
      fc.property(grants, surprises, (payload, more) => {
        const grant = kept({ ...payload, ...more });
        expect(readGrant(writeGrant(grant as never))).toEqual(grant);
      }),
    );
  });

  it('is a session as it was', () => {
    const authorization = fc.record(
      {
        sid: id,
        grantId: id,
        persistsLogout: fc.boolean(),
        decided: fc.oneof(scope, fc.string()),
        other: anything,
      },
      { requiredKeys: [] },
    );
    const seen = fc.record({ startedAt: fc.nat(), at: fc.nat(), ip: fc.ipV4(), userAgent: fc.string() });
    const sessions = fc.record({
      ...times,
      kind: fc.constant('Session'),
      uid: fc.constant('u'.repeat(43)),
      secret: id,
      accountId: optional(id),
      loginTs: optional(seconds),
      amr: optional(amr),
      transient: optional(fc.constant(true)),
      authorizations: optional(fc.dictionary(id, authorization)),
      seen: optional(seen),
      former: optional(fc.array(fc.record({ secret: id, until: seconds }))),
      state: optional(anything),
    });
    fc.assert(
      fc.property(sessions, (payload) => {
        const session = kept(payload);
        expect(readSession(writeSession(session as never), 'u'.repeat(43))).toEqual(session);
      }),
    );
  });

  it('is a session whose apps have no note of what was decided', () => {
    const old = '[95000000,3600,256,{"app":"sid grant","lasting":"sid grant 1"}]';
    expect(readSession(old, 'u'.repeat(43)).authorizations).toEqual({
      app: { sid: 'sid', grantId: 'grant' },
      lasting: { sid: 'sid', grantId: 'grant', persistsLogout: true },
    });
  });

  it('is the JSON of yesterday too', () => {
    const grant = {
      kind: 'Grant',
      accountId: 'a',
      clientId: 'c',
      iat: 1,
      exp: 2,
      openid: { scope: 'openid' },
    };
    expect(readGrant(JSON.stringify(grant))).toEqual(grant);
    const session = { kind: 'Session', uid: 'u', secret: 's', iat: 1, exp: 2, accountId: 'a' };
    expect(readSession(JSON.stringify(session), 'u')).toEqual(session);
  });
});

describe('what a browser calls itself', () => {
  const usual = [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
    'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  ];
  it.each(usual)('takes less than half the room of %s, and is read back', (name) => {
    expect(browserNames.write(name).length).toBeLessThan(name.length / 2);
    expect(browserNames.read(browserNames.write(name))).toBe(name);
  });

  it('is read back whatever it is', () => {
    const odd = fc.oneof(fc.string(), fc.constantFrom('', '=', '{', 'Mozilla/5.0 ({', '=Mozilla/5.0 ('));
    fc.assert(fc.property(odd, (name) => expect(browserNames.read(browserNames.write(name))).toBe(name)));
  });
});

describe('the note beside a token that was spent', () => {
  it('is read back, and anything else that stands there is an age ago', () => {
    const spent = { at: 1_790_000_000_000, end: 'AAAA', nonce: 'n'.repeat(22), sender: 'k'.repeat(12) };
    expect(readSpent(writeSpent(spent))).toEqual(spent);
    expect(readSpent(writeSpent({ ...spent, sender: '' }))).toEqual({ ...spent, sender: '' });
    expect(readSpent(undefined)).toBeUndefined();
    expect(readSpent('a-request')).toMatchObject({ at: 0 });
    expect(readSpent('')).toMatchObject({ at: 0 });
  });
});
