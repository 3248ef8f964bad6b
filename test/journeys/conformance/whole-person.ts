import type { TestAccount, World } from '../../support/world.ts';

/** Somebody of whom every standard claim is known (OpenID Connect Core section 5.1). */
export function wholePerson(world: World): Promise<TestAccount> {
  return world.account({
    email: 'ada@example.test',
    phone: '+491701234567',
    profile: {
      name: 'Ada King',
      given_name: 'Ada',
      family_name: 'King',
      middle_name: 'Augusta',
      nickname: 'Countess',
      preferred_username: 'ada',
      profile: 'https://ada.example.test/',
      picture: 'https://ada.example.test/portrait.png',
      website: 'https://ada.example.test/work',
      gender: 'female',
      birthdate: '1815-12-10',
      zoneinfo: 'Europe/London',
      locale: 'en-GB',
      address: {
        street_address: '12 St James Square',
        locality: 'London',
        region: 'Westminster',
        postal_code: 'SW1Y 4JH',
        country: 'GB',
      },
    },
  });
}

/** The names of the claims that the scopes have, beside `sub`. */
export const claimsOfScope = {
  profile:
    'name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at',
  email: 'email email_verified',
  phone: 'phone_number phone_number_verified',
  address: 'address',
} as const;
