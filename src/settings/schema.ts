import { z } from 'zod';
import { brandSettings } from './brand.ts';
import { compatSettings } from './compat.ts';
import { keysSettings } from './keys.ts';
import { messagesSettings } from './messages.ts';
import { passwordsSettings } from './passwords.ts';
import { profileSettings } from './profile.ts';
import { regionsSettings } from './regions.ts';
import { registrationSettings } from './registration.ts';
import { secondStepsSettings } from './second-steps.ts';
import { sendersSettings } from './senders.ts';
import { serverSettings } from './server.ts';
import { sessionsSettings } from './sessions.ts';
import { storesSettings } from './stores.ts';

/**
 * The environment, as one schema. The manual (`latchkey settings`, docs/manual/settings.md) is printed from it, so a setting
 * is documented by being described in its topic (src/settings/). All problems are reported together, each with its name.
 */
export const settingsSchema = z.object({
  ...serverSettings,
  ...storesSettings,
  ...brandSettings,
  ...messagesSettings,
  ...passwordsSettings,
  ...secondStepsSettings,
  ...sessionsSettings,
  ...compatSettings,
  ...keysSettings,
  ...profileSettings,
  ...sendersSettings,
  ...registrationSettings,
  ...regionsSettings,
});

export type SettingValues = z.output<typeof settingsSchema>;
