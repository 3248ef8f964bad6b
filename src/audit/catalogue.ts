import { z } from 'zod';
import { printable } from '../kit/printable.ts';

/**
 * Every kind of event there is: what it says in the manual, who does it unless told otherwise, and the closed list of
 * details it may carry. Nothing that lets its holder in (passwords, codes, tokens, keys) and nothing that somebody
 * merely typed has a member here: people type their password where their name belongs.
 */
export type Actor = 'person' | 'client' | 'operator' | 'system';

const text = z.string().transform((value) => printable(value, 200));
const texts = z.array(text).transform((values) => values.slice(0, 50));
const count = z.number().int().nonnegative();
const channel = z.enum(['email', 'phone']);

type EventKind = {
  description: string;
  actor: Actor;
  detail: z.ZodObject;
  /**
   * What is frequent and changes nobody's security may go on when it cannot be recorded; it is logged as an error with
   * all its members then. Everything else throws, so that the act is refused with it.
   */
  mayBeLost?: true;
};

function kind<Detail extends z.ZodRawShape>(
  actor: Actor,
  description: string,
  detail: Detail,
  { mayBeLost }: { mayBeLost?: true } = {},
) {
  return { actor, description, detail: z.object(detail).partial(), ...(mayBeLost && { mayBeLost }) };
}

export const eventKinds = {
  'account.created': kind('person', 'An account was made.', { channel, by: text }),
  'account.changed': kind('person', 'Profile claims of an account were changed; their names are given.', {
    claims: texts,
  }),
  'account.signed_in': kind('person', 'Somebody signed in; amr names the proofs they gave (RFC 8176).', {
    amr: texts,
    remember: z.boolean(),
    new_browser: z.boolean(),
    trusted_device: z.boolean(),
    step_up: z.boolean(),
  }),
  'account.sign_in_failed': kind('person', 'A sign-in to the account was refused.', {
    reason: text,
    channel,
  }),
  'account.second_step_failed': kind('person', 'A second step of the account was refused.', {
    reason: text,
    method: text,
  }),
  'account.second_step_guessed': kind(
    'person',
    'Somebody proved the first factor and gave only wrong answers to the second step.',
    {},
  ),
  'account.confirmed': kind('person', 'Somebody who was signed in proved again who they are.', {
    amr: texts,
  }),
  'account.confirm_failed': kind('person', 'A fresh proof by somebody who was signed in was refused.', {
    reason: text,
    method: text,
  }),
  'account.alarm_raised': kind('person', 'The link "It wasn\'t me" of a notice was used.', {
    about: text,
    sessions_ended: count,
  }),
  'account.signed_out': kind('person', 'Somebody signed out on the browser they used.', {}),
  'account.suspended': kind('operator', 'The account was suspended.', { reason: text }),
  'account.reinstated': kind('operator', 'The suspension of the account was ended.', { reason: text }),
  'account.locked': kind('operator', "The account was locked for the person's safety.", { reason: text }),
  'account.unlocked': kind('operator', 'The account was unlocked.', { reason: text }),
  'account.tries_forgiven': kind('operator', 'Wrong tries at the account are counted anew.', {
    reason: text,
  }),
  'account.deleted': kind('operator', 'The account was removed.', { reason: text }),
  'password.set': kind('person', 'The account got its first password, or an operator set one.', {}),
  'password.changed': kind('person', 'The password was changed by somebody who knew the old one.', {
    sessions_ended: count,
  }),
  'password.change_failed': kind('person', 'A change of password was refused.', { reason: text }),
  'password.reset_requested': kind('person', 'A code to reset the password was sent.', { channel }),
  'password.reset_failed': kind('person', 'A code to reset the password was wrong or too old.', {
    reason: text,
    channel,
  }),
  'password.reset': kind('person', 'The password was reset with a code.', { channel, sessions_ended: count }),
  'password.off': kind(
    'system',
    'After too many wrong ones in a row the password is off, but for browsers that signed in before, until it is set anew.',
    {},
  ),
  'password.known': kind(
    'system',
    'Somebody signed in with a password that is on the list of those that attackers try first.',
    {},
  ),
  'totp.enrolled': kind('person', 'An authenticator app was added as a second step.', { credential: text }),
  'totp.removed': kind('person', 'An authenticator app was removed.', { credential: text }),
  'text_step.enrolled': kind('person', 'Codes by text message were added as a second step.', {
    method: text,
  }),
  'text_step.code_sent': kind('person', 'A code was sent to a number as a second step.', {}),
  'text_step.removed': kind('person', 'Codes by text message were removed as a second step.', {
    method: text,
  }),
  'backup_codes.made': kind('person', 'A new set of backup codes was made; an older one ended.', { count }),
  'backup_code.used': kind('person', 'A backup code was used.', { left: count }),
  'two_step.preferred': kind('person', 'Another method is asked first at the second step.', { method: text }),
  'two_step.turned_on': kind('person', 'A passkey is asked for after the password from now on.', {}),
  'two_step.turned_off': kind('person', 'Two-step verification was turned off.', { methods: count }),
  'approvals.turned_on': kind('person', 'Sign-ins may be approved on another device from now on.', {}),
  'approvals.turned_off': kind('person', 'Sign-ins may no longer be approved on another device.', {}),
  'approval.asked': kind('person', 'A sign-in waits for an approval on another device.', { approval: text }),
  'approval.given': kind('person', 'A sign-in was approved on a device that was signed in.', {
    approval: text,
  }),
  'approval.refused': kind(
    'person',
    'A sign-in was refused on a device that was signed in; reason says whether by choice or by a wrong number.',
    { approval: text, reason: text },
  ),
  'risk_check.asked': kind(
    'system',
    'A sign-in by password looked unusual, and a code was asked for; signs names why.',
    { signs: texts, channel },
  ),
  'risk_check.skipped': kind(
    'system',
    'A sign-in by password looked unusual, and the account has no proved address to send a code to.',
    { signs: texts },
  ),
  'risk_check.passed': kind('person', 'The code that an unusual sign-in was asked for was right.', {
    channel,
  }),
  'risk_check.failed': kind(
    'person',
    'The code that an unusual sign-in was asked for was wrong or too old.',
    {
      reason: text,
      channel,
    },
  ),
  'trusted_device.added': kind('person', 'A browser may skip the second step from now on.', { device: text }),
  'trusted_device.renamed': kind('person', 'A trusted device got another name.', { device: text }),
  'trusted_device.removed': kind('person', 'A browser is no longer trusted.', { device: text }),
  'trusted_device.refused': kind(
    'person',
    "A browser showed a trusted device's key that is not good in it.",
    {
      device: text,
      reason: text,
    },
  ),
  'trusted_devices.dropped': kind('system', 'No browser is trusted any more.', { count, reason: text }),
  'passkey.added': kind('person', 'A passkey or security key was added; made says which, and how.', {
    credential: text,
    made: text,
  }),
  'passkey.renamed': kind('person', 'A passkey or security key got another name.', { credential: text }),
  'passkey.removed': kind('person', 'A passkey or security key was removed.', { credential: text }),
  'passkey.refused': kind('person', 'A sign-in by passkey was refused.', { reason: text, credential: text }),
  'passkey.copy_suspected': kind('system', "A key's counter went back: two devices may hold it.", {
    credential: text,
  }),
  'contact.proved': kind('person', 'An address was proved to belong to the account.', { channel }),
  'contact.displaced': kind('system', 'The account lost an unproved address to the account that proved it.', {
    channel,
  }),
  'consent.given': kind('person', 'An app was allowed to see what these scopes name.', {
    allowed: texts,
    declined: texts,
    details: texts,
  }),
  'consent.denied': kind('person', 'An app was refused access.', { scopes: texts }),
  'consent.withdrawn': kind('person', "An app's access was taken back.", { grants_revoked: count }),
  'device.allowed': kind(
    'person',
    'A device was let in with the code that it showed; address is where it asked from.',
    {
      scopes: texts,
      address: text,
    },
  ),
  'device.denied': kind('person', 'A device that showed a code was refused.', {
    scopes: texts,
    address: text,
  }),
  'ciba.asked': kind('client', 'An app asked for the person behind the back (CIBA).', { scopes: texts }),
  'ciba.allowed': kind('person', 'A request that an app made behind the back was allowed.', {
    scopes: texts,
    address: text,
  }),
  'ciba.denied': kind('person', 'A request that an app made behind the back was refused.', {
    scopes: texts,
    address: text,
  }),
  'session.ended': kind('person', 'One session was ended from elsewhere.', { session: text }),
  'sessions.ended': kind('person', 'All sessions of the account, or all but one, were ended.', {
    count,
    reason: text,
  }),
  'client.created': kind('operator', 'An app was registered; by says how.', { name: text, by: text }),
  'api.created': kind('operator', 'An API was registered, for which apps can get access tokens.', {
    api: text,
  }),
  'api.updated': kind('operator', 'Members of an API were changed; their names are given.', {
    api: text,
    members: texts,
  }),
  'api.deleted': kind('operator', 'An API was removed.', { api: text }),
  'client.updated': kind('operator', 'Metadata of an app were changed; their names are given.', {
    members: texts,
  }),
  'client.verified': kind('operator', 'An operator vouched for an app that had registered itself.', {}),
  'registration_token.made': kind('operator', 'A token was made with which apps can register themselves.', {
    id: text,
    uses: count,
    expires_at: count,
  }),
  'registration_token.revoked': kind('operator', 'A token for registering apps was taken back.', {
    id: text,
  }),
  'client.deleted': kind('operator', 'An app was removed.', { grants_revoked: count }),
  'client.disabled': kind('operator', 'An app was disabled.', { reason: text }),
  'client.enabled': kind('operator', 'An app was enabled again.', {}),
  'client.secret_rotated': kind('operator', 'An app got a new secret.', { old_secret_expires_at: count }),
  'client.authentication_failed': kind(
    'client',
    'An app could not prove who it is: once a minute of one network, 60 an hour of one app. The log has them all.',
    { reason: text, method: text },
    { mayBeLost: true },
  ),
  'grant.revoked': kind('client', 'A grant and all its tokens were revoked.', {
    reason: text,
    grant: text,
    count,
  }),
  'code.reuse_detected': kind('client', 'An authorization code came twice; its tokens were revoked.', {
    grant: text,
  }),
  'refresh_token.reuse_detected': kind(
    'client',
    'A rotated refresh token came again; its grant was revoked.',
    { grant: text },
  ),
  'refresh_token.odd_use': kind('client', 'A refresh token that never changes was used oddly.', {
    reason: text,
    grant: text,
  }),
  'tokens.exchanged': kind(
    'client',
    'A service of ours exchanged the token of an app for one for another API (RFC 8693).',
    { app: text, resource: text, scopes: texts },
    { mayBeLost: true },
  ),
  'tokens.issued': kind(
    'client',
    'An app was given tokens.',
    { grant_type: text, scopes: texts, grant: text, resource: text },
    { mayBeLost: true },
  ),
  'logout.undelivered': kind(
    'system',
    'An app could not be told for a day that a session ended (back-channel logout), and will not be.',
    { attempts: count },
  ),
  'keys.rotated': kind('operator', 'New signing keys were made.', { kids: texts }),
  'keys.retired': kind('operator', 'A signing key is no longer published.', { kids: texts }),
  'limit.hit': kind(
    'system',
    'A rate limit was reached; the first refusal of its window is recorded.',
    { limit: text, address: text },
    { mayBeLost: true },
  ),
  'server.started': kind('system', 'A server process started.', { version: text, settings: texts }),
} as const satisfies Record<string, EventKind>;

export type EventType = keyof typeof eventKinds;

export type AuditEvent = {
  [Type in EventType]: {
    type: Type;
    accountId?: string | undefined;
    clientId?: string | undefined;
    sessionUid?: string | undefined;
    /** Who did it, when it was not who the catalogue says. */
    actor?: Actor;
    detail?: z.input<(typeof eventKinds)[Type]['detail']>;
  };
}[EventType];

export function eventKind(type: EventType): EventKind {
  return eventKinds[type];
}
