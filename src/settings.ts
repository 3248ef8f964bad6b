import type { z } from 'zod';
import { conflicts } from './settings/conflicts.ts';
import { sayPlainly } from './settings/plainly.ts';
import { type SettingValues, settingsSchema } from './settings/schema.ts';

export type Settings = SettingValues & {
  /** The origin's parts, so that nobody parses it twice. */
  issuer: { origin: string; host: string; https: boolean; loopback: boolean };
  /** Whether this is a run of the conformance suite (PROFILE). */
  conformance: boolean;
  /** The host of MTLS_ORIGIN. */
  mtlsHost: string | undefined;
};

/** Reads the environment. Throws SettingsProblem, which lists every problem with the setting's name. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  // An empty variable means unset: that is how shells, compose files and unit files say it.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  given['ISSUER'] ??= localIssuer(given['PORT']);
  const parsed = settingsSchema.safeParse(given, { error: sayPlainly });
  const problems = parsed.success ? [] : parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  problems.push(...(parsed.success ? conflicts(parsed.data) : conflictsBeside(given, parsed.error)));
  if (!parsed.success || problems.length > 0) throw new SettingsProblem(problems);
  const conformance = parsed.data.PROFILE === 'conformance';
  const url = new URL(parsed.data.ISSUER);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return {
    ...parsed.data,
    ...(conformance
      ? { DYNAMIC_REGISTRATION: 'open' as const, ALLOW_LOOPBACK_FETCH: true, REGISTRATIONS_PER_HOUR: 100_000 }
      : {}),
    conformance,
    issuer: { origin: url.origin, host: url.host, https: url.protocol === 'https:', loopback },
    mtlsHost: parsed.data.MTLS_ORIGIN && new URL(parsed.data.MTLS_ORIGIN).host,
  };
}

/** Whoever only moves the port means the address that goes with it; without this, every request would get 421. */
function localIssuer(port = '0'): string | undefined {
  const address = `http://localhost:${port}`;
  return /^[1-9]\d*$/.test(port) && URL.canParse(address) ? new URL(address).origin : undefined;
}

/** What does not go together among the settings that are right by themselves: nobody should be told in two rounds. */
function conflictsBeside(given: Record<string, string | undefined>, { issues }: z.ZodError): string[] {
  const wrong = new Set(issues.map(({ path }) => String(path[0])));
  const right = Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.has(name)));
  const found = settingsSchema.safeParse(right);
  const all = found.success ? conflicts(found.data) : [];
  return all.filter((problem) => ![...wrong].some((name) => problem.includes(name)));
}

export class SettingsProblem extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The settings have ${many}:\n${problems.map((p) => `  ${p}`).join('\n')}`);
    this.name = 'SettingsProblem';
    this.problems = problems;
  }
}
