import { consentRows } from './rows-consent.ts';
import { endingRows } from './rows-endings.ts';
import { limitRows } from './rows-limits.ts';
import { operatorRows } from './rows-operator.ts';
import { signInRows } from './rows-sign-in.ts';
import { tokenRows } from './rows-tokens.ts';

/**
 * Everything that is raced, by the names of the list of what there is to race. Of that list these are not here, for there
 * is nothing to race: device code, saved recovery code, change-e-mail confirm, delete-account confirm, invitation,
 * last-operator removal. And these are still to come: SMS OTP, backup code, e-mail verification, WebAuthn challenges of
 * registrations and assertions, trusted-device rotation, session limit.
 */
export const primitives = [
  ...tokenRows,
  ...signInRows,
  ...consentRows,
  ...limitRows,
  ...operatorRows,
  ...endingRows,
];
