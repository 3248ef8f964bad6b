import { approvalRows } from './rows-approvals.ts';
import { consentRows } from './rows-consent.ts';
import { deviceRows } from './rows-devices.ts';
import { endingRows } from './rows-endings.ts';
import { limitRows } from './rows-limits.ts';
import { operatorRows } from './rows-operator.ts';
import { passkeyRows } from './rows-passkeys.ts';
import { secondStepRows } from './rows-second-steps.ts';
import { signInRows } from './rows-sign-in.ts';
import { tokenRows } from './rows-tokens.ts';

/**
 * Everything that is raced, by the names of the list of what there is to race. Of that list these are not here, for there
 * is nothing to race: saved recovery code, change-e-mail confirm, delete-account confirm, invitation, last-operator removal, and
 * trusted-device rotation (what such a browser holds stays as it is until it ends). E-mail is verified by codes alone: at a
 * sign-up (e-mail OTP), for a new password (password-reset link), and where a sign-in is unusual.
 */
export const primitives = [
  ...tokenRows,
  ...deviceRows,
  ...signInRows,
  ...secondStepRows,
  ...passkeyRows,
  ...approvalRows,
  ...consentRows,
  ...limitRows,
  ...operatorRows,
  ...endingRows,
];
