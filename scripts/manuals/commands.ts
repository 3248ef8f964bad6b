import { commands, nameOf } from '../../src/operator/commands.ts';
import { commandHelp } from '../../src/operator/help.ts';
import { code, type Manual, page, table } from './markdown.ts';

export const commandsManual: Manual = {
  file: 'commands.md',
  print: () =>
    page(
      'Commands',
      'What an operator can ask for: `npx latchkey <noun> <verb> [--flags]` in the folder of the project. Everywhere `--json` ' +
        'answers for machines and `--help` tells what follows here. The exit status is 0, or 1 when something is wrong. ' +
        'Secrets are never arguments: they are read from standard input or from a file.',
      table(
        ['Command', 'What it does'],
        commands.map((command) => [code(nameOf(command)), command.summary]),
      ),
      ...commands.map(
        (command) =>
          `## ${nameOf(command)}\n\n\`\`\`text\n${commandHelp(command).join('\n').trimEnd()}\n\`\`\``,
      ),
    ),
};
