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
};

export const templates = {
  sign_up_code: { code: true, after: 'own' },
  already_registered: { after: 'own', path: '/account' },
  reset_code: { code: true, after: 'own' },
  password_changed: { after: 'not_you', path: '/account' },
  password_reset: { after: 'not_you', path: '/account' },
  second_step_added: { after: 'not_you', path: '/account' },
  second_step_removed: { after: 'not_you', path: '/account' },
  app_connected: { after: 'own', path: '/account/apps' },
  app_removed: { after: 'own', path: '/account' },
  refresh_token_reuse: { after: 'own', path: '/account' },
  signed_in_new_browser: { after: 'not_you', path: '/account' },
} as const satisfies Record<string, Template>;

export type TemplateName = keyof typeof templates;

/** What each template is told. The brand, the time and the link are put in by us. */
export type Told =
  | { template: 'sign_up_code' | 'reset_code'; values: { code: string } }
  | { template: 'app_connected' | 'app_removed' | 'refresh_token_reuse'; values: { app: string } }
  | { template: 'signed_in_new_browser'; values: { browser: string } }
  | {
      template:
        | 'already_registered'
        | 'password_changed'
        | 'password_reset'
        | 'second_step_added'
        | 'second_step_removed';
      values?: Record<string, never>;
    };

/** How long a code lives (src/credentials/contact-codes.ts). */
export const codeLifetime = 10 * minutes;

export function templateOf(name: TemplateName): Template {
  return templates[name];
}
