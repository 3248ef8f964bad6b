import { z } from 'zod';
import type { Services } from '../services.ts';
import type { Settings } from '../settings.ts';

/**
 * What a command of the operator is. The room owns the table of commands (commands.ts), which the command line and the
 * printed manual read; it owns no rule: a command reads its flags, calls a verb or a noun and says what came of it.
 */
export type Command = {
  noun: string;
  /** Undefined for commands of one word: start, migrate, seed, doctor, settings. */
  verb: string | undefined;
  summary: string;
  /** The flag that may also be given as a bare word after the verb. */
  word: string | undefined;
  /** Other names of flags, without their dashes. */
  aliases: Record<string, string>;
  flags: z.ZodObject;
  /** `flags` as they came from the command line, by their names in camelCase. */
  invoke(desk: Desk, flags: Record<string, unknown>): Promise<Reply>;
};

/** `field` is undefined when the problem is not about one flag or member. */
export type Problem = { field?: string | undefined; problem: string };

/** `data` is for machines (--json), `lines` for people. `failed`: it ran, and what it found is bad: exit status 1. */
export type Reply =
  | { ok: true; data: unknown; lines: string[]; notes?: string[]; failed?: boolean }
  | { ok: false; problems: Problem[] };

/** What a command may reach. Services are opened when first asked for, and closed by whoever owns the desk. */
export type Desk = {
  settings(): Settings;
  services(): Promise<Services>;
  /** A secret from `file`, or from standard input when undefined; without the line break at its end. */
  readSecret(what: string, file: string | undefined): Promise<string>;
  /** The text of a file; `-` is standard input. Throws with a sentence when it cannot be read. */
  readText(file: string): Promise<string>;
  /** The same for a file that is not text. */
  readBytes(file: string): Promise<Buffer>;
  /** Serves until it is told to stop. */
  serve(): Promise<void>;
  environment: Record<string, string | undefined>;
};

export function command<Flags extends z.ZodRawShape>(given: {
  name: string;
  summary: string;
  word?: keyof Flags & string;
  aliases?: Record<string, string>;
  flags: Flags;
  run(desk: Desk, flags: z.output<z.ZodObject<Flags>>): Promise<Reply>;
}): Command {
  const [noun = '', verb] = given.name.split(' ');
  const flags = z.object(given.flags);
  return {
    noun,
    verb,
    summary: given.summary,
    word: given.word,
    aliases: given.aliases ?? {},
    flags,
    async invoke(desk, typed) {
      const parsed = flags.safeParse(typed);
      if (parsed.success) return given.run(desk, parsed.data);
      return no(
        ...parsed.error.issues.map((issue) => ({
          field: flagName(String(issue.path[0])),
          problem: said(issue),
        })),
      );
    },
  };
}

export function yes(data: unknown, lines: string[], notes: string[] = []): Reply {
  return { ok: true, data, lines, notes };
}

export function no(...problems: (Problem | string)[]): Reply & { ok: false } {
  return {
    ok: false,
    problems: problems.map((problem) => (typeof problem === 'string' ? { problem } : problem)),
  };
}

/** `redirectUri` is typed as `--redirect-uri`. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The member `redirect_uris` is the flag `redirectUris`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Flags that are text on the command line and something else within. */
export const several = z.array(z.string());
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, 'must be a whole number.')
    .transform(Number)
    .refine((number) => number >= least && number <= most, `must be from ${least} to ${most}.`);

/** "90s", "15m", "24h" or "7d", as milliseconds. */
export const duration = z
  .string()
  .regex(/^\d{1,5}[smhd]$/, 'must be a number and s, m, h or d, such as 24h.')
  .transform((typed) => Number(typed.slice(0, -1)) * (units[typed.slice(-1)] ?? 0));
const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function said(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return 'is missing.';
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}.`;
  return issue.message;
}
