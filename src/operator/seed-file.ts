import { z } from 'zod';
import { checkApi } from '../../clients/registry/apis/apis.ts';
import { checkClient } from '../../clients/registry/new-client.ts';
import type { FieldProblem } from '../../clients/registry/problems.ts';
import { fieldProblems } from '../../clients/registry/problems.ts';
import type { NewContact } from '../accounts/contacts.ts';
import { profileSchema } from '../accounts/profile.ts';
import type { NewAccount } from '../actions/create-account.ts';
import { wellKnown } from '../actions/create-account.ts';
import { checkNewPassword } from '../credentials/password.ts';
import { nearest } from '../kit/nearest.ts';
import type { Settings } from '../settings.ts';
import { operatorIdentifier } from './identifier.ts';
import { parseSeedText } from './seed-text.ts';
import { passwordSentences } from './sentences.ts';

/**
 * A seed file: YAML, and so also JSON, with `accounts`, `apis` and `apps`. All of it is checked before any of it is written,
 * and all problems are told together, each with its place.
 */
export type SeedFile = {
  accounts: { key: string; account: NewAccount }[];
  apis: ({ identifier: string } & Record<string, unknown>)[];
  apps: { clientId: string; clientSecret: string | undefined; metadata: Record<string, unknown> }[];
  notes: string[];
};

const accountMembers = z.strictObject({
  email: z.string().optional(),
  email_verified: z.boolean().default(false),
  phone_number: z.string().optional(),
  phone_number_verified: z.boolean().default(false),
  password: z.string().optional(),
  totp_secret: z
    .string()
    .refine(
      (secret) => /^[A-Z2-7]{16,128}$/.test(secret.replace(/[\s=]/g, '').toUpperCase()),
      'must be base32, 16 to 128 letters A to Z and digits 2 to 7.',
    )
    .optional(),
  sub: z.never('is chosen by Latchkey, at random. Remove it.').optional(),
  updated_at: z.unknown().optional(),
  ...profileSchema.shape,
});

export function readSeedFile(
  { settings }: { settings: Settings },
  text: string,
): { ok: true; seed: SeedFile } | { ok: false; problems: FieldProblem[] } {
  const parsed = parseSeedText(text);
  if (!parsed.ok) return parsed;
  const problems: FieldProblem[] = [];
  const seed: SeedFile = { accounts: [], apis: [], apps: [], notes: [] };
  const { accounts, apis, apps } = topLevel(parsed.value, problems);
  for (const [index, given] of accounts.entries())
    readAccount(settings, given, `accounts[${index}]`, seed, problems);
  for (const [index, given] of apis.entries()) readApi(given, `apis[${index}]`, seed, problems);
  for (const [index, given] of apps.entries()) readApp(given, `apps[${index}]`, seed, problems);
  sayTwice(seed, problems);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, seed };
}

type Lists = Record<'accounts' | 'apis' | 'apps', unknown[]>;

function topLevel(value: unknown, problems: FieldProblem[]): Lists {
  const lists: Lists = { accounts: [], apis: [], apps: [] };
  if (!isObject(value)) {
    problems.push({ field: 'file', problem: 'must have accounts:, apis: and apps:, each a list.' });
    return lists;
  }
  for (const [name, given] of Object.entries(value)) {
    if (name !== 'accounts' && name !== 'apis' && name !== 'apps')
      problems.push({ field: name, problem: unknown(name, Object.keys(lists)) });
    else if (Array.isArray(given)) lists[name] = given;
    else if (given !== null) problems.push({ field: name, problem: 'must be a list.' });
  }
  return lists;
}

function readAccount(
  settings: Settings,
  given: unknown,
  place: string,
  seed: SeedFile,
  problems: FieldProblem[],
) {
  const say = (member: string, problem: string) =>
    problems.push({ field: member === '' ? place : `${place}.${member}`, problem });
  if (!isObject(given)) return say('', 'must be an object of members.');
  const names = Object.keys(accountMembers.shape);
  for (const name of Object.keys(given)) if (!names.includes(name)) say(name, unknown(name, names));
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
  const parsed = accountMembers.safeParse(known);
  if (!parsed.success) {
    for (const { field, problem } of fieldProblems(parsed.error)) say(field, problem);
    return;
  }
  const { email, email_verified, phone_number, phone_number_verified, password, totp_secret, ...rest } =
    parsed.data;
  const { sub: _sub, updated_at, ...profile } = rest;
  if (updated_at !== undefined)
    seed.notes.push(`${place}.updated_at is kept by Latchkey itself and was not taken.`);
  const contacts: NewContact[] = [];
  const take = (member: 'email' | 'phone_number', text: string | undefined, verified: boolean) => {
    if (text === undefined) return;
    const read = operatorIdentifier(settings, text);
    if (!read.ok || read.channel !== (member === 'email' ? 'email' : 'phone'))
      say(
        member,
        member === 'email' ? 'is not an e-mail address.' : 'is not a phone number. Write it with its +.',
      );
    else {
      const { channel, address, written } = read;
      contacts.push({ channel, address, written, verified });
      if (read.note) seed.notes.push(`${place}.${member} ${read.note}`);
    }
  };
  take('email', email, email_verified);
  take('phone_number', phone_number, phone_number_verified);
  if (email === undefined && phone_number === undefined)
    say('email', 'is missing. Write email or phone_number.');
  if (password !== undefined) {
    const checked = checkNewPassword({ settings }, { password, about: wellKnown({ profile, contacts }) });
    if (!checked.ok) say('password', passwordSentences(settings)[checked.reason]);
  }
  seed.accounts.push({
    key: `${contacts[0]?.channel} ${contacts[0]?.address}`,
    account: { profile, contacts, password, totpSecret: totp_secret },
  });
}

function readApi(given: unknown, place: string, seed: SeedFile, problems: FieldProblem[]) {
  if (!isObject(given)) return void problems.push({ field: place, problem: 'must be an object of members.' });
  const checked = checkApi(given);
  if (checked.ok) seed.apis.push({ ...given, identifier: checked.identifier });
  else
    for (const { field, problem } of checked.problems) problems.push({ field: `${place}.${field}`, problem });
}

function readApp(given: unknown, place: string, seed: SeedFile, problems: FieldProblem[]) {
  if (!isObject(given)) {
    problems.push({ field: place, problem: 'must be an object of members.' });
    return;
  }
  const {
    client_id: clientId,
    client_secret: clientSecret,
    client_id_issued_at: issuedAt,
    client_secret_expires_at: expiresAt,
    ...metadata
  } = given;
  const say = (member: string, problem: string) => problems.push({ field: `${place}.${member}`, problem });
  // Two that a registration tells (RFC 7591 section 3.2.1): an app that moves here brings them along.
  if (issuedAt !== undefined)
    seed.notes.push(`${place}.client_id_issued_at is kept by Latchkey itself and was not taken.`);
  if (expiresAt !== undefined && Number(expiresAt) !== 0)
    say('client_secret_expires_at', 'must be 0: secrets do not expire here. Remove it.');
  if (clientId === undefined) say('client_id', 'is missing. Choose one: by it the app is found again.');
  else if (typeof clientId !== 'string') say('client_id', 'must be text.');
  if (clientSecret !== undefined && typeof clientSecret !== 'string') say('client_secret', 'must be text.');
  const chosen = {
    ...(typeof clientId === 'string' ? { clientId } : {}),
    ...(typeof clientSecret === 'string' ? { clientSecret } : {}),
  };
  const checked = checkClient({ ...chosen, metadata });
  if (!checked.ok) for (const { field, problem } of checked.problems) say(field, problem);
  else seed.notes.push(...checked.notes.map((note) => `${place}: ${note}`));
  if (chosen.clientId)
    seed.apps.push({ clientId: chosen.clientId, clientSecret: chosen.clientSecret, metadata });
}

/** Two entries for one account or app would undo each other at every repetition. */
function sayTwice(seed: SeedFile, problems: FieldProblem[]): void {
  const keys = [
    ...seed.accounts.map(({ key }) => key),
    ...seed.apis.map(({ identifier }) => `API ${identifier}`),
    ...seed.apps.map(({ clientId }) => `app ${clientId}`),
  ];
  for (const key of new Set(keys.filter((key, index) => keys.indexOf(key) !== index)))
    problems.push({ field: key, problem: 'stands in the file twice. Keep one.' });
}

function unknown(name: string, known: string[]): string {
  const meant = nearest(name, known);
  return meant ? `is not a member we know. Did you mean ${meant}?` : 'is not a member we know. Remove it.';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
