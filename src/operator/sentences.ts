import type { PasswordRefusal } from '../credentials/password.ts';
import { maxPasswordLength } from '../credentials/password-text.ts';
import type { Settings } from '../settings.ts';

/** What an operator is told when a password is refused. */
export function passwordSentences({
  PASSWORD_MIN_LENGTH: least,
}: Pick<Settings, 'PASSWORD_MIN_LENGTH'>): Record<PasswordRefusal, string> {
  return {
    not_text: 'has control characters or is not valid text. Choose another.',
    too_short: `has fewer than ${least} characters. Choose a longer one.`,
    too_long: `has more than ${maxPasswordLength} characters. Choose a shorter one.`,
    too_close_to_you: 'is made of the name or address of the person, or of the service. Choose another.',
    too_common: 'is one that attackers try first. Choose another.',
  };
}
