import { minutes } from '../kit/durations.ts';

/**
 * Every message there is. Its words stand in messages/<locale>/mail.json and sms.json under its name: `subject`, `body`
 * and, where the table does not say otherwise, `after`. Paths are of our own pages; a link never has anything in it that
 * a request brought, and none of them lets its holder in.
 */
type Template = {
  /** Carries a code: the message is useless, and not sent any more, when the code is too old. */
  code?: true;
  /** What is said after the body or the code. */
  after: 'own' | 'not_you';
  /** The page it sends people to. */
  path?: string;
  /** Never goes by e-mail: a mailbox is no second step. */
  only?: 'sms';
};

export const templates = {
  sign_up_code: { code: true, after: 'own' },
  already_registered: { after: 'own', path: '/account' },
  reset_code: { code: true, after: 'own' },
  password_changed: { after: 'not_you', path: '/account' },
  password_off: { after: 'own', path: '/account' },
  password_known: { after: 'own', path: '/account/password' },
  password_reset: { after: 'not_you', path: '/account' },
  second_step_added: { after: 'not_you', path: '/account' },
  second_step_removed: { after: 'not_you', path: '/account' },
  second_step_code: { code: true, after: 'own', only: 'sms' },
  second_step_guessed: { after: 'not_you', path: '/account' },
  text_step_added: { after: 'not_you', path: '/account' },
  text_step_removed: { after: 'not_you', path: '/account' },
  two_step_off: { after: 'not_you', path: '/account' },
  two_step_on: { after: 'not_you', path: '/account' },
  second_step_preferred: { after: 'not_you', path: '/account' },
  backup_codes_made: { after: 'not_you', path: '/account' },
  backup_code_used: { after: 'not_you', path: '/account' },
  trusted_device_added: { after: 'not_you', path: '/account' },
  trusted_device_removed: { after: 'not_you', path: '/account' },
  approvals_on: { after: 'not_you', path: '/account' },
  approvals_off: { after: 'not_you', path: '/account' },
  approval_asked: { after: 'own', path: '/account/approvals' },
  approval_given: { after: 'not_you', path: '/account' },
  approval_refused: { after: 'not_you', path: '/account' },
  risk_code: { code: true, after: 'own' },
  account_locked: { after: 'own', path: '/account' },
  account_suspended: { after: 'own', path: '/account' },
  alarm_raised: { after: 'own', path: '/account' },
  passkey_added: { after: 'not_you', path: '/account' },
  passkey_removed: { after: 'not_you', path: '/account' },
  passkey_copied: { after: 'not_you', path: '/account/passkeys' },
  app_connected: { after: 'own', path: '/account/apps' },
  app_removed: { after: 'own', path: '/account' },
  device_allowed: { after: 'not_you', path: '/account' },
  ciba_asked: { after: 'own', path: '/account/requests' },
  refresh_token_reuse: { after: 'own', path: '/account' },
  refresh_token_odd: { after: 'own', path: '/account/apps' },
  account_elsewhere: { after: 'own' },
  signed_in_new_browser: { after: 'not_you', path: '/account' },
} as const satisfies Record<string, Template>;

export type TemplateName = keyof typeof templates;

/** What each template is told. The brand, the time and the link are put in by us. */
export type Told =
  | { template: 'sign_up_code' | 'reset_code' | 'second_step_code' | 'risk_code'; values: { code: string } }
  | { template: 'passkey_added' | 'passkey_removed' | 'passkey_copied'; values: { passkey: string } }
  | {
      template: 'app_connected' | 'app_removed' | 'device_allowed' | 'ciba_asked' | 'refresh_token_reuse';
      values: { app: string };
    }
  | { template: 'refresh_token_odd'; values: { app: string } }
  | { template: 'signed_in_new_browser' | 'trusted_device_added'; values: { browser: string } }
  | { template: 'account_elsewhere'; values: { region: string; site: string } }
  | { template: 'backup_code_used'; values: { left: string } }
  | {
      template:
        | 'already_registered'
        | 'password_changed'
        | 'password_off'
        | 'password_known'
        | 'password_reset'
        | 'second_step_added'
        | 'second_step_removed'
        | 'second_step_guessed'
        | 'text_step_added'
        | 'text_step_removed'
        | 'two_step_off'
        | 'two_step_on'
        | 'second_step_preferred'
        | 'backup_codes_made'
        | 'trusted_device_removed'
        | 'approvals_on'
        | 'approvals_off'
        | 'approval_asked'
        | 'approval_given'
        | 'approval_refused'
        | 'account_locked'
        | 'account_suspended'
        | 'alarm_raised';
      values?: Record<string, never>;
    };

/** How long a code lives (src/credentials/contact-codes.ts). */
export const codeLifetime = 10 * minutes;

export function templateOf(name: TemplateName): Template {
  return templates[name];
}
