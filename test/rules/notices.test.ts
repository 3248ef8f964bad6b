import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { EventType } from '../../src/audit/catalogue.ts';
import { type TemplateName, templates } from '../../src/mail/templates.ts';
import { readSources } from '../support/house.ts';

/** Not told, and why. */
type Why = { why: string };
const step = { why: 'a step on the way; how it ends is told' };
const asked = { why: 'the person did this on the page they look at, and it weakens nothing' };
const noise = { why: 'anybody can cause it who knows an address; it stands in the activity' };
const apart = { why: 'about apps, keys or the server, not about an account' };

/**
 * What the owner of an account is told of, at every proved address (NIST SP 800-63B-4 section 4.6). A new kind of event does not
 * compile until it was decided here; that it is told is read from the code, where both stand in one file.
 */
const notices: Record<EventType, TemplateName | Why> = {
  'account.created': { why: 'the code that proved the address was the message' },
  'account.changed': asked,
  'account.signed_in': { why: 'told by complete-sign-in.ts, of a new browser: below' },
  'account.sign_in_failed': noise,
  'account.second_step_failed': step,
  'account.second_step_guessed': 'second_step_guessed',
  'account.confirmed': step,
  'account.confirm_failed': step,
  'account.alarm_raised': 'alarm_raised',
  'account.signed_out': asked,
  'account.suspended': 'account_suspended',
  'account.reinstated': { why: 'nothing is lost by it; the operator answers whoever asked' },
  'account.locked': 'account_locked',
  'account.unlocked': { why: 'nothing is lost by it; the operator answers whoever asked' },
  'account.tries_forgiven': { why: 'nothing is lost by it; the operator answers whoever asked' },
  'account.deleted': { why: 'the addresses are gone with it' },
  'password.set': { why: 'an account that is made or seeded; the person has not been there yet' },
  'password.changed': 'password_changed',
  'password.change_failed': step,
  'password.reset_requested': { why: 'the code was the message' },
  'password.reset_failed': noise,
  'password.reset': 'password_reset',
  'password.off': 'password_off',
  'password.known': 'password_known',
  'totp.enrolled': 'second_step_added',
  'totp.removed': 'second_step_removed',
  'text_step.enrolled': 'text_step_added',
  'text_step.code_sent': { why: 'the code was the message' },
  'text_step.removed': 'text_step_removed',
  'backup_codes.made': 'backup_codes_made',
  'backup_code.used': 'backup_code_used',
  'two_step.preferred': 'second_step_preferred',
  'two_step.turned_on': 'two_step_on',
  'two_step.turned_off': 'two_step_off',
  'approvals.turned_on': 'approvals_on',
  'approvals.turned_off': 'approvals_off',
  'approval.asked': 'approval_asked',
  'approval.given': 'approval_given',
  'approval.refused': 'approval_refused',
  'risk_check.asked': 'risk_code',
  'risk_check.skipped': { why: 'there is no proved address to tell' },
  'risk_check.passed': step,
  'risk_check.failed': step,
  'trusted_device.added': 'trusted_device_added',
  'trusted_device.renamed': asked,
  'trusted_device.removed': 'trusted_device_removed',
  'trusted_device.refused': 'trusted_device_removed',
  'trusted_devices.dropped': { why: 'told with what dropped them' },
  'passkey.added': 'passkey_added',
  'passkey.renamed': asked,
  'passkey.removed': 'passkey_removed',
  'passkey.refused': noise,
  'passkey.copy_suspected': 'passkey_copied',
  'contact.proved': { why: 'told with what it was proved for' },
  'contact.displaced': { why: 'the address was never proved to be theirs' },
  'consent.given': 'app_connected',
  'consent.denied': asked,
  'consent.withdrawn': 'app_removed',
  'session.ended': asked,
  'sessions.ended': { why: 'told with what ended them; by itself it makes the account safer' },
  'refresh_token.reuse_detected': 'refresh_token_reuse',
  'device.allowed': 'device_allowed',
  'device.denied': asked,
  'ciba.asked': 'ciba_asked',
  'ciba.allowed': { why: 'the app that it was for is told of when it is connected' },
  'ciba.denied': asked,
  'code.reuse_detected': { why: 'what it gave is over before anybody used it; it stands in the activity' },
  'grant.revoked': { why: 'told with what revoked it' },
  'refresh_token.odd_use': 'refresh_token_odd',
  'tokens.issued': apart,
  'tokens.exchanged': apart,
  'client.created': apart,
  'client.updated': apart,
  'client.verified': apart,
  'client.deleted': apart,
  'client.disabled': apart,
  'client.enabled': apart,
  'client.secret_rotated': apart,
  'client.authentication_failed': apart,
  'api.created': apart,
  'api.updated': apart,
  'api.deleted': apart,
  'registration_token.made': apart,
  'registration_token.revoked': apart,
  'logout.undelivered': apart,
  'keys.rotated': apart,
  'keys.retired': apart,
  'limit.hit': apart,
  'server.started': apart,
};

/** The engine's room records it, and an action sends it. */
const farApart = new Set<string>(['refresh_token.reuse_detected', 'refresh_token.odd_use', 'ciba.asked']);
const sources = readSources(path.join(import.meta.dirname, '..', '..'), ['src']);
const told = Object.entries(notices).filter(
  (row): row is [EventType, TemplateName] => typeof row[1] === 'string',
);

describe('notices', () => {
  it.each(told)('%s is told as %s, where it happens', (event, template) => {
    const saying = (text: string) => sources.filter((one) => one.text.includes(`'${text}'`));
    const recorded = saying(event).filter(({ file }) => !file.startsWith('src/audit/'));
    const sent = saying(template).filter(({ file }) => !file.startsWith('src/mail/'));
    expect([recorded.length > 0, sent.length > 0]).toEqual([true, true]);
    if (!farApart.has(event)) expect(recorded.some((one) => sent.includes(one))).toBe(true);
  });

  it('carry "It wasn’t me" wherever somebody else may have done it', () => {
    const changes = told.map(([, template]) => template);
    const without = changes.filter((template) => templates[template].after !== 'not_you');
    expect([...new Set(without)].toSorted()).toEqual([
      // The account is shut or off already; an app’s access is ended on its page; nothing happened yet.
      'account_locked',
      'account_suspended',
      'alarm_raised',
      'app_connected',
      'app_removed',
      'approval_asked',
      'ciba_asked',
      'password_known',
      'password_off',
      'refresh_token_odd',
      'refresh_token_reuse',
      'risk_code',
    ]);
  });
});
