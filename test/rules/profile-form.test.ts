import { describe, expect, it } from '@jest/globals';
import { changedProfile, profileForm, typedProfile } from '../../interactions/account/profile-form.ts';
import type { Profile } from '../../src/accounts/profile.ts';

const before: Profile = {
  name: 'Ada Example',
  given_name: 'Ada',
  picture: 'https://example.com/ada.png',
  birthdate: '1990-12-31',
  address: { formatted: '1 High Street, Leeds', street_address: '1 High Street\nFlat 2', locality: 'Leeds' },
};
const post = (fields: Record<string, unknown>) => {
  const changed = changedProfile(before, profileForm.parse(fields));
  return changed.ok ? changed.profile : changed.problems;
};
const asShown = () => ({ ...typedProfile(before) });

describe('the form of the personal details', () => {
  it('changes nothing when it is sent as it was shown, with the line ends of a browser', () => {
    const shown = { ...asShown(), street_address: '1 High Street\r\nFlat 2', nickname: '', country: '' };
    expect(post(shown)).toEqual(before);
  });

  it('reads only its own fields, so nothing else of an account can be set', () => {
    const changed = post({
      ...asShown(),
      sub: 'somebody',
      id: 'somebody',
      email: 'eve@example.com',
      email_verified: 'true',
      picture: 'https://evil.example/',
      suspended_at: '',
      signed_out_before: '0',
      address: 'elsewhere',
      constructor: 'x',
    });
    expect(changed).toEqual(before);
  });

  it('drops what was emptied, and the whole address as text once a part of it changes', () => {
    expect(post({ ...asShown(), birthdate: '', locality: 'York' })).toEqual({
      name: 'Ada Example',
      given_name: 'Ada',
      picture: 'https://example.com/ada.png',
      address: { street_address: '1 High Street\nFlat 2', locality: 'York' },
    });
    expect(post({ ...asShown(), street_address: '', locality: ' ' })).toMatchObject({ address: undefined });
  });

  it('keeps what a shorter form does not speak of', () => {
    expect(post({ nickname: 'Countess' })).toEqual({ ...before, nickname: 'Countess' });
  });

  it.each([
    [{ name: ' ' }, { name: 'profile.problem.name' }],
    [{ birthdate: '1990-02-31' }, { birthdate: 'profile.problem.birthdate' }],
    [{ zoneinfo: 'Mars/Olympus' }, { zoneinfo: 'profile.problem.choice' }],
    [{ locale: 'not a language' }, { locale: 'profile.problem.choice' }],
    [{ given_name: 'x'.repeat(201) }, { given_name: 'profile.problem.text' }],
    [{ country: 'two\nlines' }, { country: 'profile.problem.text' }],
    [{ nickname: '\u202eevil' }, { nickname: 'profile.problem.text' }],
  ])('says beside the field what is wrong with %p', (fields, problems) => {
    expect(post({ ...asShown(), ...fields })).toEqual(problems);
  });
});
