import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type Adapter, Provider } from 'oidc-provider';
import { decidedScopes, noteDecided, notedDecided } from '../../src/oidc/decided-scopes.ts';

const api = 'https://orders.example.test/';

/** What a session says of the grant that it has for an app, with the engine's own models. */
describe('the note of what was decided', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { Grant, Session } = new Provider('http://localhost', {
    // Nothing is kept here.
    adapter: () => ({}) as Adapter,
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
    cookies: { keys: ['a key'] },
    features: { devInteractions: { enabled: false } },
  });

  function aGrant() {
    const grant = new Grant({ accountId: 'somebody', clientId: 'app' });
    grant.addOIDCScope('openid profile');
    grant.rejectOIDCScope('email');
    return grant;
  }

  it('names what was allowed and what was declined, of APIs too', () => {
    const grant = aGrant();
    grant.addResourceScope(api, 'read write');
    grant.rejectResourceScope(api, 'delete');
    expect(decidedScopes(grant).sort()).toEqual(
      ['email', `${api}#delete`, `${api}#read`, `${api}#write`, 'openid', 'profile'].sort(),
    );
  });

  it('is news once', () => {
    const session = new Session();
    expect(noteDecided(session, aGrant())).toBe(true);
    expect(notedDecided(session, 'app')).toEqual(['openid', 'profile', 'email']);
    expect(noteDecided(session, aGrant())).toBe(false);
  });

  it('is not made of hundreds of scopes, and none of before stays', () => {
    const session = new Session();
    noteDecided(session, aGrant());
    const grant = aGrant();
    for (let place = 0; place < 20; place += 1) grant.addResourceScope(api, `scope-${place}`);
    expect(noteDecided(session, grant)).toBe(true);
    expect(notedDecided(session, 'app')).toBeUndefined();
    expect(noteDecided(session, grant)).toBe(false);
  });

  it('leaves no entry for an app that was only asked for', () => {
    const session = new Session();
    noteDecided(session, aGrant());
    expect(notedDecided(session, 'another')).toBeUndefined();
    expect(Object.keys(session.authorizations ?? {})).toEqual(['app']);
  });
});
