import { pino } from 'pino';

/** Structured logs: one JSON line an event. Log named, allow-listed members; never a request, a body or an error's own members. */
export type Log = {
  debug(members: object, sentence: string): void;
  info(members: object, sentence: string): void;
  warn(members: object, sentence: string): void;
  error(members: object, sentence: string): void;
};

// A second net only: what carries a secret is not logged in the first place.
const secretNames = new Set([
  'password',
  'code',
  'token',
  'secret',
  'client_secret',
  'authorization',
  'cookie',
  'code_verifier',
  'refresh_token',
  'access_token',
  'id_token',
]);

export function openLog({ level }: { level: string }): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: redacted },
  });
}

/** At any depth that a line of ours has; pino's own paths are of a fixed depth and cost as much as the line itself. */
function redacted(members: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of Object.keys(members)) {
    const value = members[name];
    if (secretNames.has(name)) shown[name] = '[redacted]';
    else if (isPlain(value)) shown[name] = depth < 6 ? redacted(value, depth + 1) : '[deep]';
    else shown[name] = value;
  }
  return shown;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What may be said of an error in a log: its name, message, code and stack, and the same of its causes. */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error).slice(0, 500) };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message.slice(0, 1000),
    // Not by its own name, which is that of what an app redeems, and is blacked out.
    ...(typeof code === 'string' ? { errorCode: code } : {}),
    stack: error.stack
      ?.split('\n')
      .slice(1, 12)
      .map((line) => line.trim()),
    ...(error.cause && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
