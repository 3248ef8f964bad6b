import { hours, minutes } from '../kit/durations.ts';

/** Of limits.ts: the second step and passkeys. */
export const secondStepLimits = {
  second_step_by_address: {
    max: 50,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'One guess at the code of each of many accounts whose passwords are known.',
  },
  text_by_account: {
    max: 10,
    windowMs: hours,
    keyedBy: 'account',
    kept: true,
    why: 'Text messages of one account’s second step, by somebody who knows its password.',
  },
  approval_by_account: {
    max: 5,
    windowMs: hours,
    keyedBy: 'account',
    kept: true,
    why: 'Asking the owner’s other devices until they say yes, by somebody who knows the password. A “no” ends it for an hour at once.',
  },
  approval_by_address: {
    max: 20,
    windowMs: hours,
    keyedBy: 'address',
    why: 'The same at many accounts whose passwords are known.',
  },
  approval_look_by_address: {
    max: 600,
    windowMs: 5 * minutes,
    keyedBy: 'address',
    why: 'A page that waits for an approval looks every three seconds, for five minutes. Wide enough for an office.',
  },
  passkey_by_address: {
    max: 1000,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'Each ask for a passkey leaves a challenge behind for five minutes; a sign-in page that is opened makes one.',
  },
} as const;
