import { describe, expect, it } from '@jest/globals';
import { newUserCode, readUserCode, showUserCode } from '../../src/oidc/device/user-code.ts';

/** The code that a device shows, as a person types it (RFC 8628 section 6.1). */
describe('a user code', () => {
  it.each([
    ['as it is shown', 'WDJB-MJHT'],
    ['without the dash', 'WDJBMJHT'],
    ['in small letters', 'wdjb-mjht'],
    ['with blanks', ' WD JB  MJ HT '],
    ['with dashes of other kinds', 'WDJB–MJ—HT'],
    ['with dots and lines', 'W.D_J.B/M.J_H.T'],
    ['in wide letters', 'ＷＤＪＢ－ＭＪＨＴ'],
    ['with a line break', 'WDJB\r\nMJHT'],
    ['with what nobody sees', '\u200bWDJB\u00adMJHT\u2060'],
  ])('is read %s', (_, typed) => {
    expect(readUserCode(typed)).toBe('WDJBMJHT');
  });

  it.each([
    ['nothing', ''],
    ['too short', 'WDJB-MJH'],
    ['too long', 'WDJB-MJHTX'],
    ['with a vowel', 'WDJB-MJHA'],
    ['with a digit', 'WDJB-MJH7'],
    ['in letters that only look alike', 'WDJB-МJНТ'],
    ['two of them', 'WDJB-MJHT WDJB-MJHT'],
    ['long after much else', `${'.'.repeat(100)}WDJBMJHT`],
  ])('is none when it is %s', (_, typed) => {
    expect(readUserCode(typed)).toBeUndefined();
  });

  it('is read as what it was made as', () => {
    const codes = Array.from({ length: 200 }, newUserCode);
    expect(codes.map((code) => readUserCode(showUserCode(code)))).toEqual(codes);
    expect(codes.every((code) => /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(code))).toBe(true);
  });
});
