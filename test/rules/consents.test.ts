import { describe, expect, it } from '@jest/globals';
import { mergeDecisions } from '../../src/consents/consent.ts';
import { isScope, scopes, scopesInOrder } from '../../src/consents/scopes.ts';

const nothing = { allowed: [], declined: [] };

describe('a decision about an app', () => {
  it.each([
    {
      what: 'the first one stands as it is',
      before: nothing,
      now: { allowed: ['openid', 'email'], declined: ['phone'] },
      after: { allowed: ['openid', 'email'], declined: ['phone'] },
    },
    {
      what: 'adds to what was allowed before',
      before: { allowed: ['openid', 'profile'], declined: [] },
      now: { allowed: ['openid', 'email'], declined: [] },
      after: { allowed: ['openid', 'profile', 'email'], declined: [] },
    },
    {
      what: 'allows what was declined before',
      before: { allowed: ['openid'], declined: ['email', 'phone'] },
      now: { allowed: ['email'], declined: [] },
      after: { allowed: ['openid', 'email'], declined: ['phone'] },
    },
    {
      what: 'takes back what was allowed before',
      before: { allowed: ['openid', 'email'], declined: [] },
      now: { allowed: ['openid'], declined: ['email'] },
      after: { allowed: ['openid'], declined: ['email'] },
    },
    {
      what: 'allows what it both allows and declines',
      before: nothing,
      now: { allowed: ['email'], declined: ['email'] },
      after: { allowed: ['email'], declined: [] },
    },
    {
      what: 'keeps scopes of resource servers, after ours',
      before: { allowed: ['api:write', 'openid'], declined: [] },
      now: { allowed: ['api:read'], declined: [] },
      after: { allowed: ['openid', 'api:read', 'api:write'], declined: [] },
    },
  ])('$what', ({ before, now, after }) => {
    expect(mergeDecisions(before, now)).toEqual(after);
  });
});

describe('the scope table', () => {
  it('is read in its own order, and knows nothing that is not in it', () => {
    expect(scopesInOrder(['email', 'nonsense', 'openid', 'email'])).toEqual(['openid', 'email']);
    expect(isScope('toString')).toBe(false);
    expect(isScope('__proto__')).toBe(false);
  });

  it('releases each claim by one scope only', () => {
    const claims = Object.values(scopes).flatMap((scope): readonly string[] => scope.claims);
    expect(new Set(claims).size).toBe(claims.length);
  });

  it('lets nobody sign in to an app without openid', () => {
    expect(scopes.openid.optional).toBe(false);
  });
});
