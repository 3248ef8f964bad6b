import { wholeNumber } from './kinds.ts';

/** How long sign-ins and what hangs on them last. */
export const sessionsSettings = {
  SESSION_IDLE_DAYS: wholeNumber(1, 400)
    .default(14)
    .meta({ description: 'A session ends after this many days without use.' }),
  SESSION_MAX_DAYS: wholeNumber(1, 400)
    .default(90)
    .meta({ description: 'A session ends this many days after signing in, used or not.' }),
  SESSIONS_PER_ACCOUNT: wholeNumber(1, 1000).default(50).meta({
    description:
      'On so many browsers an account may be signed in. With one more, the longest signed-in one ends.',
  }),
  REFRESH_GRACE_SECONDS: wholeNumber(0, 60).default(10).meta({
    description:
      'For so long, and until the new one is used, the same app may use a refresh token again and gets the same new one; after that it counts as stolen. 0: at once.',
  }),
};
