import { describe, expect, it } from '@jest/globals';
import { mergeSessions } from '../../src/oidc/session-merge.ts';
import type { StoredSession } from '../../src/oidc/stored-session.ts';

type Authorization = { sid: string; grantId?: string; persistsLogout?: boolean; decided?: string };

/** Two tabs of one browser wrote one session at once. */
describe('a session that two requests changed', () => {
  const session = (authorizations?: Record<string, Authorization>): StoredSession =>
    ({ uid: 'u', secret: 's', ...(authorizations && { authorizations }) }) as StoredSession;

  const merged = (base?: Authorization, ours?: Authorization, theirs?: Authorization) =>
    mergeSessions({
      base: session(base && { app: base }),
      ours: session(ours && { app: ours }),
      theirs: session(theirs && { app: theirs }),
    }).authorizations?.['app'];

  it('has the apps of both', () => {
    const { authorizations } = mergeSessions({
      base: session(),
      ours: session({ one: { sid: '1', grantId: 'a' } }),
      theirs: session({ other: { sid: '2', grantId: 'b' } }),
    });
    expect(authorizations).toEqual({
      one: { sid: '1', grantId: 'a' },
      other: { sid: '2', grantId: 'b' },
    });
  });

  it('has the grant that we gave an app, and what was decided in it', () => {
    const before = { sid: '1', grantId: 'a', decided: 'openid' };
    const ours = { sid: '1', grantId: 'b', decided: 'openid email' };
    expect(merged(before, ours, before)).toEqual(ours);
    expect(merged(undefined, ours, undefined)).toEqual(ours);
    expect(merged(before, ours, { ...before, grantId: 'c' })).toEqual(ours);
  });

  it('keeps the grant that they gave an app, where we had something to say only of the one before', () => {
    const before = { sid: '1', grantId: 'a' };
    const theirs = { sid: '1', grantId: 'b', decided: 'openid email' };
    expect(merged(before, { ...before, decided: 'openid' }, theirs)).toEqual(theirs);
  });

  it('outlives its end for an app of which either says so', () => {
    const before = { sid: '1', grantId: 'a', decided: 'openid' };
    const theirs = { sid: '1', grantId: 'b', decided: 'openid email' };
    expect(merged(before, { ...before, persistsLogout: true }, theirs)).toEqual({
      ...theirs,
      persistsLogout: true,
    });
  });

  it('has no app that they took out and we only used', () => {
    const before = { sid: '1', grantId: 'a', decided: 'openid' };
    expect(merged(before, before, undefined)).toBeUndefined();
  });
});
