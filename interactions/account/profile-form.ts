import { z } from 'zod';
import { type Profile, profileSchema } from '../../src/accounts/profile.ts';
import type { Problems } from '../../src/web/form.ts';

/**
 * The form of the personal details: a closed list of fields, each of which is one member of the profile or of its
 * address. Whatever else a request carries is not read, so nothing else can be set (OWASP ASVS 15.3.3).
 */
const own = ['name', 'given_name', 'family_name', 'nickname', 'birthdate', 'locale', 'zoneinfo'] as const;
const postal = ['street_address', 'postal_code', 'locality', 'region', 'country'] as const;
const fields = [...own, ...postal] as const;
export type ProfileField = (typeof fields)[number];
/** A field that did not come at all keeps what stands there; one that came empty is emptied. */
type Typed = Partial<Record<ProfileField, string | undefined>>;

// Long texts are cut by nobody here: profileSchema refuses them with a sentence.
const text = z.string().optional();
export const profileForm = z.object(
  Object.fromEntries(fields.map((field) => [field, text])) as Record<ProfileField, typeof text>,
);

/** What the form shows before anybody typed. */
export function typedProfile(profile: Profile): Typed {
  const { address = {}, ...rest } = profile;
  const known: Record<string, unknown> = { ...rest, ...address };
  return Object.fromEntries(
    fields.flatMap((field) => (typeof known[field] === 'string' ? [[field, known[field]]] : [])),
  );
}

/** The profile with what was typed in its place; members that the form does not show stay as they are. */
export function changedProfile(
  before: Profile,
  given: Typed,
): { ok: true; profile: Profile } | { ok: false; problems: Problems } {
  const typed = { ...typedProfile(before), ...definedIn(given) };
  const address = changedAddress(before.address, typed);
  const parsed = profileSchema.safeParse({
    ...without(before, own),
    ...filled(typed, own),
    address: Object.keys(address).length > 0 ? address : undefined,
  });
  const problems: Problems = parsed.success ? {} : problemsOf(parsed.error);
  // A name can be changed, not taken away: apps would have nothing to call the person by.
  if (before.name && typed.name?.trim() === '') problems['name'] = 'profile.problem.name';
  return parsed.success && Object.keys(problems).length === 0
    ? { ok: true, profile: parsed.data }
    : { ok: false, problems };
}

function changedAddress(before: Profile['address'], typed: Typed): NonNullable<Profile['address']> {
  const now = filled(typed, postal);
  const shown = before ? filled(before, postal) : {};
  const same = postal.every((field) => now[field] === shown[field]);
  // `formatted` is the whole address as somebody wrote it once; it would contradict a new street.
  return same ? { ...before } : now;
}

/** Those of `names` that have text in them; an empty field is a member that is not there. */
function filled(
  values: Partial<Record<string, string | undefined>>,
  names: readonly ProfileField[],
): Record<string, string> {
  // Browsers send line ends as CRLF; the profile keeps LF.
  const clean = (name: ProfileField) => (values[name] ?? '').replaceAll('\r\n', '\n').trim();
  return Object.fromEntries(names.filter((name) => clean(name) !== '').map((name) => [name, clean(name)]));
}

function definedIn(given: Typed): Typed {
  return Object.fromEntries(Object.entries(given).filter(([, text]) => text !== undefined));
}

function without(profile: Profile, names: readonly string[]): Profile {
  return Object.fromEntries(Object.entries(profile).filter(([name]) => !names.includes(name)));
}

function problemsOf(error: z.ZodError): Problems {
  const problems: Problems = {};
  for (const { path } of error.issues) {
    const field = String(path[0] === 'address' ? path[1] : path[0]);
    problems[field] ??= sentences[field] ?? 'profile.problem.text';
  }
  return problems;
}

const sentences: Record<string, string> = {
  birthdate: 'profile.problem.birthdate',
  locale: 'profile.problem.choice',
  zoneinfo: 'profile.problem.choice',
};
