import { approvalRows } from './rows-approvals.ts';
import { consentRows } from './rows-consent.ts';
import { deviceRows } from './rows-devices.ts';
import { endingRows } from './rows-endings.ts';
import { limitRows } from './rows-limits.ts';
import { operatorRows } from './rows-operator.ts';
import { secondStepRows } from './rows-second-steps.ts';
import { signInRows } from './rows-sign-in.ts';
import { tokenRows } from './rows-tokens.ts';

/**
 * Everything that is raced, by the names of the list of what there is to race. Of that list these are not here, for there
 * is nothing to race yet: saved recovery code, change-e-mail confirm, delete-account confirm, invitation,
 * last-operator removal. These are there and still want a row: e-mail verification, WebAuthn registration challenge, and
 * trusted-device rotation.
 */
export const primitives = [
  ...tokenRows,
  ...deviceRows,
  ...signInRows,
  ...secondStepRows,
  ...approvalRows,
  ...consentRows,
  ...limitRows,
  ...operatorRows,
  ...endingRows,
];
