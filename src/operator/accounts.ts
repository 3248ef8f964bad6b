import { z } from 'zod';
import type { Account } from '../accounts/account.ts';
import { claimsOf } from '../accounts/claims.ts';
import type { NewContact } from '../accounts/contacts.ts';
import { profileSchema } from '../accounts/profile.ts';
import { createAccount } from '../actions/create-account.ts';
import type { EndedAccess } from '../actions/end-all-access.ts';
import { forgiveTries } from '../actions/forgive-tries.ts';
import { lockAccount } from '../actions/lock-account.ts';
import { reinstateAccount } from '../actions/reinstate-account.ts';
import { removeAccount } from '../actions/remove-account.ts';
import { secondStepMethods } from '../actions/second-step-methods.ts';
import { suspendAccount } from '../actions/suspend-account.ts';
import { unlockAccount } from '../actions/unlock-account.ts';
import { listConsents } from '../consents/consent.ts';
import { frozenUntil } from '../credentials/alarms.ts';
import { findPassword } from '../credentials/password.ts';
import { listTrustedDevices } from '../credentials/trusted-devices.ts';
import { listFailures } from '../limits/failures.ts';
import { listSessions } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import type { Problem, Reply } from './command.ts';
import { command, flagName, no, yes } from './command.ts';
import { accountFlags, withAccount } from './find-account.ts';
import { operatorIdentifier } from './identifier.ts';
import { counted, members, moment } from './lines.ts';
import { passwordSentences } from './sentences.ts';

/** The claims a person may be created with, each a flag; address is given as JSON. */
const claimFlags = {
  name: z.string().optional(),
  givenName: z.string().optional(),
  familyName: z.string().optional(),
  middleName: z.string().optional(),
  nickname: z.string().optional(),
  preferredUsername: z.string().optional(),
  profile: z.string().optional(),
  picture: z.string().optional(),
  website: z.string().optional(),
  gender: z.string().optional(),
  birthdate: z.string().optional(),
  zoneinfo: z.string().optional(),
  locale: z.string().optional(),
  address: z.string().optional().meta({ description: 'The address claim, as JSON.' }),
};
const reason = z.string().max(200).default('').meta({ description: 'Why, for the audit record.' });

const create = command({
  name: 'accounts create',
  summary: 'Make an account. Its password is read from --password-file or standard input.',
  word: 'email',
  flags: {
    email: z.string().optional().meta({ description: 'E-mail address.' }),
    emailVerified: z.boolean().default(false).meta({ description: 'The address is known to be theirs.' }),
    phoneNumber: z.string().optional().meta({ description: 'Phone number, with its +.' }),
    phoneNumberVerified: z
      .boolean()
      .default(false)
      .meta({ description: 'The number is known to be theirs.' }),
    passwordFile: z.string().optional().meta({ description: 'The file with the password.' }),
    noPassword: z.boolean().default(false).meta({ description: 'They set one by "forgot password".' }),
    ...claimFlags,
  },
  async run(desk, { passwordFile, noPassword, ...given }) {
    const services = await desk.services();
    const read = readNewAccount(services, given);
    if (!read.ok) return no(...read.problems);
    const password = noPassword ? undefined : await desk.readSecret('password', passwordFile);
    if (password === '')
      return no({ field: '--password-file', problem: 'is empty. Give a password, or --no-password.' });
    const created = await createAccount(services, { ...read.account, password });
    if (created.ok)
      return yes({ account_id: created.accountId }, [`Made the account ${created.accountId}.`], read.notes);
    if (created.reason === 'address_taken')
      return no({ field: '--email', problem: 'or the phone number belongs to another account already.' });
    return no({ field: 'password', problem: passwordSentences(services.settings)[created.reason] });
  },
});

type GivenAccount = {
  email?: string | undefined;
  emailVerified: boolean;
  phoneNumber?: string | undefined;
  phoneNumberVerified: boolean;
} & { [name in keyof typeof claimFlags]?: string | undefined };

function readNewAccount(services: Services, given: GivenAccount) {
  const { email, emailVerified, phoneNumber, phoneNumberVerified, ...claims } = given;
  const problems: Problem[] = [];
  const notes: string[] = [];
  const contacts: NewContact[] = [];
  const take = (field: string, channel: string, text: string | undefined, verified: boolean) => {
    if (text === undefined) return;
    const read = operatorIdentifier(services.settings, text);
    if (!read.ok || read.channel !== channel)
      problems.push({
        field,
        problem: `is not ${channel === 'email' ? 'an e-mail address' : 'a phone number'}.`,
      });
    else {
      contacts.push({ channel: read.channel, address: read.address, written: read.written, verified });
      if (read.note) notes.push(`${field} ${read.note}`);
    }
  };
  take('--email', 'email', email, emailVerified);
  take('--phone-number', 'phone', phoneNumber, phoneNumberVerified);
  if (email === undefined && phoneNumber === undefined)
    problems.push({ field: '--email', problem: 'is missing. Give --email or --phone-number.' });
  const profile = profileSchema.safeParse(
    Object.fromEntries(Object.entries(claims).flatMap(([name, text]) => claim(name, text))),
  );
  if (!profile.success)
    problems.push(
      ...profile.error.issues.map((one) => ({
        field: flagName(String(one.path[0])).replaceAll('_', '-'),
        problem: `${one.message}.`,
      })),
    );
  return profile.success && problems.length === 0
    ? { ok: true as const, account: { profile: profile.data, contacts }, notes }
    : { ok: false as const, problems };
}

function claim(name: string, text: string | undefined): [string, unknown][] {
  if (text === undefined) return [];
  const wire = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [[wire, wire === 'address' ? parsedJson(text) : text]];
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const show = command({
  name: 'accounts show',
  summary: 'Show an account: claims, state, second steps, sessions, apps.',
  word: 'account',
  flags: accountFlags,
  async run(desk, flags) {
    const services = await desk.services();
    return withAccount(services, flags, async (account) => {
      const shown = await describe(services, account);
      return yes(shown, members(shown));
    });
  },
});

async function describe(services: Services, account: Account): Promise<Record<string, unknown>> {
  const [failures, password, methods, devices, onHold, sessions, consents] = [
    await listFailures(services, account.id),
    await findPassword(services, account.id),
    await secondStepMethods(services, account.id),
    await listTrustedDevices(services, account.id),
    await frozenUntil(services, account.id),
    await listSessions(services, account.id),
    await listConsents(services, account.id),
  ];
  const { sub: _sub, updated_at: _updated, ...claims } = claimsOf(account);
  return {
    account_id: account.id,
    ...claims,
    created_at: moment(account.createdAt),
    updated_at: moment(account.updatedAt),
    suspended_at: moment(account.suspendedAt),
    suspended_reason: account.suspendedReason || undefined,
    locked_at: moment(account.lockedAt),
    locked_reason: account.lockedReason || undefined,
    password_changed_at: moment(password?.changedAt),
    wrong_tries: failures.map(({ proof, inARow, off }) => `${proof} ${inARow}${off ? ' (off)' : ''}`),
    second_steps: methods.map(({ kind, name }) => name || kind),
    trusted_browsers: devices.length || undefined,
    changes_on_hold_until: moment(onHold),
    sessions: sessions.length,
    apps: consents.map((consent) => consent.clientId),
  };
}

/** The commands that change whether somebody may come in: each a verb, its sentence, and its refusals. */
function gate(given: {
  verb: string;
  summary: string;
  done: string;
  act(
    services: Services,
    about: { accountId: string; reason: string },
  ): Promise<{ ok: true } | { ok: false; reason: string } | ({ ok: true } & EndedAccess)>;
  refusals?: Record<string, string>;
}) {
  return command({
    name: `accounts ${given.verb}`,
    summary: given.summary,
    word: 'account',
    flags: { ...accountFlags, reason },
    async run(desk, { reason: why, ...flags }) {
      const services = await desk.services();
      return withAccount(services, flags, async ({ id: accountId }) => {
        const acted = await given.act(services, { accountId, reason: why });
        if (!acted.ok) return no(given.refusals?.[acted.reason] ?? 'The account is gone.');
        return ended(accountId, given.done, acted);
      });
    },
  });
}

function ended(accountId: string, done: string, acted: { ok: true } | ({ ok: true } & EndedAccess)): Reply {
  if (!('sessions' in acted)) return yes({ account_id: accountId }, [`${done} ${accountId}.`]);
  const { sessions, grants } = acted;
  return yes({ account_id: accountId, sessions_ended: sessions, grants_revoked: grants }, [
    `${done} ${accountId}: ended ${counted(sessions, 'session')}, revoked ${counted(grants, 'grant')}.`,
  ]);
}

export const accountCommands = [
  create,
  show,
  gate({
    verb: 'lock',
    summary: "Lock an account for its person's safety; its sessions and tokens end at once.",
    done: 'Locked',
    act: lockAccount,
  }),
  gate({
    verb: 'unlock',
    summary: 'Unlock an account.',
    done: 'Unlocked',
    act: unlockAccount,
    refusals: { not_locked: 'The account is not locked.' },
  }),
  gate({
    verb: 'forgive',
    summary: 'Count wrong passwords and codes of an account anew: what was off after too many is on again.',
    done: 'Forgave the wrong tries at',
    act: forgiveTries,
    refusals: { nothing_wrong: 'No wrong tries stand against the account.' },
  }),
  gate({
    verb: 'suspend',
    summary: 'Stop an account; its sessions and tokens end at once.',
    done: 'Suspended',
    act: suspendAccount,
  }),
  gate({
    verb: 'reinstate',
    summary: 'End the suspension of an account.',
    done: 'Reinstated',
    act: reinstateAccount,
    refusals: { not_suspended: 'The account is not suspended.' },
  }),
  gate({
    verb: 'delete',
    summary: 'Remove an account for good; its sessions and tokens end at once. The audit record stays.',
    done: 'Removed',
    act: removeAccount,
  }),
];
