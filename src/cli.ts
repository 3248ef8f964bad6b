import process from 'node:process';
import type { Reply } from './operator/command.ts';
import { openDesk } from './operator/desk.ts';
import { runCommand } from './operator/run-command.ts';

/**
 * `latchkey <noun> <verb> [--flags]`: the operator's command line. What a command answers goes to standard output, notes
 * and problems to standard error; with --json the answer, or the problems, stand on standard output as one JSON text.
 */
const args = process.argv.slice(2);
const json = args.includes('--json');
const desk = openDesk({
  environment: process.env,
  stdin: process.stdin,
  stderr: process.stderr,
  // It handles signals by itself and ends the process when it has drained.
  serve: async () => {
    const { runServer } = await import('./main.ts');
    await runServer(process.env);
  },
});

try {
  const reply = await runCommand(
    desk,
    args.filter((arg) => arg !== '--json'),
  );
  print(reply);
  if (!reply.ok || reply.failed) process.exitCode = 1;
} catch (error) {
  const { message, stack } = error as Error;
  if (process.env['LATCHKEY_DEBUG']) process.stderr.write(`${stack}\n`);
  print({ ok: false, problems: [{ problem: message }, { problem: 'Set LATCHKEY_DEBUG=1 to see where.' }] });
  process.exitCode = 1;
} finally {
  await desk.close();
}

function print(reply: Reply): void {
  if (json)
    process.stdout.write(
      `${JSON.stringify(reply.ok ? reply.data : { problems: reply.problems }, null, 2)}\n`,
    );
  else if (reply.ok) for (const line of reply.lines) process.stdout.write(`${line}\n`);
  else
    for (const { field, problem } of reply.problems)
      process.stderr.write(`latchkey: ${field ? `${field} ` : ''}${problem}\n`);
  if (reply.ok) for (const note of reply.notes ?? []) process.stderr.write(`note: ${note}\n`);
}
