import { grantCommands, sessionCommands } from './access.ts';
import { accountCommands } from './accounts.ts';
import { apiCommands } from './apis.ts';
import { appCommands } from './apps.ts';
import type { Command } from './command.ts';
import { keyCommands } from './keys.ts';
import { recordCommands } from './records.ts';
import { registrationTokenCommands } from './registration-tokens.ts';
import { riskCommands } from './risk.ts';
import { serverCommands } from './server.ts';

/**
 * Everything an operator can ask for. The command line (src/cli.ts) and the printed manual read this table and nothing
 * else, so a command that is not here does not exist and one that is here is documented.
 */
export const commands: readonly Command[] = [
  ...serverCommands,
  ...accountCommands,
  ...appCommands,
  ...apiCommands,
  ...registrationTokenCommands,
  ...grantCommands,
  ...sessionCommands,
  ...keyCommands,
  ...recordCommands,
  ...riskCommands,
];

/** `apps create`, or the one word of commands like `doctor`. */
export function nameOf({ noun, verb }: Command): string {
  return verb === undefined ? noun : `${noun} ${verb}`;
}
