import { wholeNumber } from './kinds.ts';

/** The keys that sign what apps get. */
export const keysSettings = {
  KEY_ROTATION_DAYS: wholeNumber(0, 3650).default(90).meta({
    description:
      'New signing keys take over after so many days, by themselves: published first, and the old ones published on for a day. 0: only by `latchkey keys rotate`.',
  }),
};
