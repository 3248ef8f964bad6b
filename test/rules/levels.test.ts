import { describe, expect, it } from '@jest/globals';
import { mayApprove } from '../../src/actions/second-step-approval.ts';
import { acrFor, cannotBeMet, levelOf, wantedLevel } from '../../src/kit/levels.ts';
import type { Services } from '../../src/services.ts';

const [one, two] = ['urn:latchkey:acr:1fa', 'urn:latchkey:acr:2fa'];
const claims = (acr: unknown) => JSON.stringify({ id_token: { acr } });

describe('the level of what was proved', () => {
  it.each([
    [[], 0],
    [['pwd'], 1],
    [['pwd', 'sms', 'mfa'], 2],
    [['pwd', 'otp', 'mfa'], 2],
    // A key that verified its user and counts for one factor as yet (0018-passkeys.md).
    [['swk', 'user'], 1],
    [['hwk', 'user', 'mfa'], 3],
    [['pwd', 'swk', 'user', 'mfa'], 3],
    [['pwd', 'pop', 'mfa'], 2],
  ] as const)('of %j is %d', (amr, level) => {
    expect(levelOf(amr)).toBe(level);
  });
});

describe('a session of today', () => {
  it.each([
    [['pwd', 'otp', 'mfa'], true],
    [['hwk', 'user', 'mfa'], true],
    // The second step was skipped; or given on another device, whatever came first.
    [['pwd'], false],
    [['pwd', 'mca', 'mfa'], false],
    [['swk', 'user', 'mca', 'mfa'], false],
    // Proved by itself since.
    [['pwd', 'mca', 'mfa', 'hwk'], true],
    [['swk', 'user', 'mca', 'mfa', 'otp'], true],
  ] as const)('with %j may approve others: %s (MF-23)', (amr, may) => {
    const settings = { TRUSTED_DEVICE_DAYS: 30 } as Services['settings'];
    const session = { signedInAt: 1_700_000_000_000, amr };
    const clock = { now: () => 1_700_000_100_000 } as Services['clock'];
    expect(mayApprove({ settings, clock }, session)).toBe(may);
  });
});

describe('the level that a request asks for', () => {
  it.each([
    ['nothing', {}, 0, false],
    ['one', { acr_values: two }, 2, false],
    ['the least of several, in any order', { acr_values: `phr ${two}` }, 2, false],
    ['what is unknown beside what is known', { acr_values: 'gold phr' }, 3, false],
    ['only what is unknown', { acr_values: 'gold' }, 0, false],
    ['a claim before the parameter', { acr_values: 'phr', claims: claims({ value: one }) }, 1, false],
    ['a claim as essential', { claims: claims({ essential: true, values: ['phr'] }) }, 3, true],
    ['a claim that is only to be said', { acr_values: two, claims: claims(null) }, 2, false],
    [
      'a claim as essential without a value',
      { acr_values: two, claims: claims({ essential: true }) },
      2,
      false,
    ],
    ['a claim of other types', { claims: claims({ essential: 'yes', value: 7, values: 'phr' }) }, 0, false],
    ['what is no JSON', { acr_values: two, claims: '{"acr"' }, 2, false],
    ['what is no object', { claims: '["acr"]' }, 0, false],
  ] as const)('is read: %s', (_, params, least, essential) => {
    expect(wantedLevel(params)).toMatchObject({ least, essential });
  });

  it('can never be met when it is essential and unknown', () => {
    expect(cannotBeMet(wantedLevel({ claims: claims({ essential: true, value: 'gold' }) }))).toBe(true);
    expect(cannotBeMet(wantedLevel({ claims: claims({ value: 'gold' }) }))).toBe(false);
  });
});

describe('the acr that is told', () => {
  it.each([
    [['pwd', 'otp', 'mfa'], 'phr urn:latchkey:acr:1fa', one],
    [['pwd', 'otp', 'mfa'], 'phr', two],
    [['hwk', 'user', 'mfa'], `${two} phr`, two],
    [['hwk', 'user', 'mfa'], '', 'phr'],
    [['pwd'], 'phr', one],
    [[], two, undefined],
  ] as const)('for %j and "%s" is %s', (amr, values, told) => {
    expect(acrFor(amr, wantedLevel({ acr_values: values }))).toBe(told);
  });
});
