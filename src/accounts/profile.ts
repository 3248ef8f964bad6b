import { z } from 'zod';

/**
 * What a person says about themselves: the standard claims by their names (OpenID Connect Core section 5.1), but for
 * sub, the addresses and their *_verified, and updated_at, which the account itself knows. Anything else is refused by
 * name, so a form or a seed file cannot reach members it was not meant to.
 *
 * Profiles are shown on the consent page, in messages and to operators, so text may not carry what changes how its
 * surroundings are read: control characters, line and paragraph separators, bidirectional overrides. Right-to-left
 * text itself and joiners are welcome.
 */
const controls = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;
const controlsButNewline = /(?!\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

function text(forbidden: RegExp) {
  return z
    .string()
    .max(2000)
    .refine((value) => value.isWellFormed(), 'must be well-formed text')
    .transform((value) => value.normalize('NFC').replaceAll('\r\n', '\n').trim())
    .pipe(
      z
        .string()
        .min(1)
        .max(200)
        .refine((value) => !forbidden.test(value), 'must not have control characters'),
    );
}

const line = text(controls);
/** Newlines are part of these two claims (OpenID Connect Core section 5.1.1). */
const lines = text(controlsButNewline);

function isWebAddress(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  // A page shows these as links: no scripts, and no "user:password@" that makes an address look like another.
  return ['http:', 'https:'].includes(url.protocol) && !url.username && !url.password;
}
const webAddress = line.refine(isWebAddress, 'must be an http or https address');

function isDate(value: string): boolean {
  const match = /^(\d{4})(?:-(\d{2})-(\d{2}))?$/.exec(value);
  if (!match) return false;
  const [, year, month, day] = match;
  if (!month) return year !== '0000';
  // Year 0000 says that the year is left out (section 5.1); a leap year lets the 29th of February pass.
  const date = `${year === '0000' ? '2000' : year}-${month}-${day}`;
  const time = Date.parse(date);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}

function isTimeZone(value: string): boolean {
  try {
    return /^[A-Za-z]/.test(value) && Boolean(new Intl.DateTimeFormat('en', { timeZone: value }));
  } catch {
    return false;
  }
}

function isLocale(value: string): boolean {
  try {
    // Some write en_US; section 5.1 asks to bear it.
    return Intl.getCanonicalLocales(value.replaceAll('_', '-')).length === 1;
  } catch {
    return false;
  }
}

const postalAddress = z.strictObject({
  formatted: lines.optional(),
  street_address: lines.optional(),
  locality: line.optional(),
  region: line.optional(),
  postal_code: line.optional(),
  country: line.optional(),
});

export const profileSchema = z.strictObject({
  name: line.optional(),
  given_name: line.optional(),
  family_name: line.optional(),
  middle_name: line.optional(),
  nickname: line.optional(),
  preferred_username: line.optional(),
  profile: webAddress.optional(),
  picture: webAddress.optional(),
  website: webAddress.optional(),
  gender: line.optional(),
  birthdate: line.refine(isDate, 'must be YYYY-MM-DD, 0000-MM-DD or YYYY').optional(),
  zoneinfo: line.refine(isTimeZone, 'must be a time zone like Europe/Paris').optional(),
  locale: line.refine(isLocale, 'must be a language tag like en-US').optional(),
  address: postalAddress.optional(),
});

export type Profile = z.output<typeof profileSchema>;
