import { hours, minutes } from '../kit/durations.ts';

/** Of limits.ts: what apps ask on another device (RFC 8628, OpenID CIBA), and who answers there. */
export const crossDeviceLimits = {
  device_code_by_address: {
    max: 120,
    windowMs: minutes,
    keyedBy: 'address',
    why: 'Each device code leaves three records behind for some twenty minutes; an app without a secret may ask for one.',
  },
  // Not kept: an app may type what it likes, so it would fill the records; what reaches a person is bounded by the two below.
  ciba_by_app_and_account: {
    max: 60,
    windowMs: hours,
    keyedBy: 'hint',
    why: 'An app that names the same person over and over (CIBA), whether or not they have an account.',
  },
  ciba_refusals_by_app_and_account: {
    max: 3,
    windowMs: hours,
    keyedBy: 'account and app',
    kept: true,
    why: 'How often a person says no to an app before it is kept from them for an hour, without being told.',
  },
  ciba_messages_by_account: {
    max: 6,
    windowMs: hours,
    keyedBy: 'account',
    kept: true,
    why: 'Messages about requests of apps. Those beyond wait in the account all the same.',
  },
  user_code_by_address: {
    max: 10,
    windowMs: 15 * minutes,
    keyedBy: 'address',
    why: 'Guesses at the codes of devices by who is not signed in. Others at the address sign in first, and are counted by themselves.',
  },
  // Not kept: the account is who guesses, and the codes to be guessed at are lost with the live state too.
  user_code_by_account: {
    max: 10,
    windowMs: 15 * minutes,
    keyedBy: 'sender',
    why: 'The same by who is signed in (RFC 8628 section 5.1).',
  },
  user_code_by_everyone: {
    max: 300,
    windowMs: 15 * minutes,
    keyedBy: 'everyone',
    why: 'The same from many addresses and accounts. Nothing is refused, since that would lock everybody out: it is told.',
  },
} as const;
