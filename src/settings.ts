import { z } from 'zod';
import { checkLogo, checkProxies, sayPlainly } from './settings-plainly.ts';
import { readRedisAddress } from './store/live-redis-address.ts';

/**
 * The environment, as one schema. The manual (`latchkey settings`, docs/manual/settings.md) is printed from it, so a setting
 * is documented by being described here. All problems are reported together, each with its name.
 */
const onOff = z.enum(['on', 'off']).transform((word) => word === 'on');
const wholeNumber = (least: number, most: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(least).max(most));
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
const address = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be an address that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  });

function checkRedisAddress(text: string, problems: z.RefinementCtx<string>): void {
  try {
    readRedisAddress(text);
  } catch (problem) {
    problems.addIssue({ code: 'custom', message: (problem as Error).message });
  }
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return text === url.origin && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback));
}

export const settingsSchema = z.object({
  ISSUER: z
    .string()
    .refine(isIssuer, 'must be an https origin without path or slash at the end; http only for localhost')
    .default('http://localhost:3000')
    .meta({
      description:
        'The public address. Every link, redirect and cookie is built from it alone. Unset, with another PORT: localhost with that port.',
    }),
  PORT: wholeNumber(0, 65535)
    .default(3000)
    .meta({ description: 'The port it listens on; 0 picks a free one.' }),
  HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'The address it listens on.' }),
  METRICS_PORT: wholeNumber(0, 65535)
    .optional()
    .meta({ description: 'Prometheus metrics are served on this port of HOST, and nowhere else.' }),
  DATABASE_URL: address('postgres:', 'postgresql:')
    .optional()
    .meta({ description: 'PostgreSQL for the records. Unset: SQLite in DATA_DIR.' }),
  REDIS_URL: z.string().superRefine(checkRedisAddress).optional().meta({
    description:
      'Redis for the live state: `redis://host`, `redis+sentinel://host,host,host/primary` or `redis+cluster://host,host,host`; with TLS `rediss://`, `rediss+sentinel://` and `rediss+cluster://`. Unset: SQLite in DATA_DIR.',
  }),
  REDIS_WAIT_REPLICAS: wholeNumber(0, 10).optional().meta({
    description:
      'How many replicas of Redis must have a write before it is acknowledged. Unset: 1 with sentinels and on a Cluster that has replicas, else 0.',
  }),
  REDIS_WAIT_MS: wholeNumber(10, 500).default(300).meta({
    description: 'How long a write waits for them, in milliseconds; then the answer is 503.',
  }),
  DATA_DIR: z
    .string()
    .min(1)
    .default('./data')
    .meta({ description: 'The folder of the embedded stores and of the secrets made on first start.' }),
  SECRETS_KEY: list.optional().meta({
    description:
      'Encryption at rest: 32 random bytes as base64url (`openssl rand 32 | basenc --base64url`); several, newest first, to rotate. Made once and kept in DATA_DIR when the records are embedded; required otherwise.',
  }),
  COOKIE_KEYS: list.optional().meta({
    description:
      'Signs cookies: one or more random strings of 32 characters or more, newest first. Made once and kept in DATA_DIR when the records are embedded; required otherwise.',
  }),
  PASSWORD_PEPPER: list.optional().meta({
    description:
      'Optional secrets mixed into password hashes (base64url, 32 bytes), newest first. Hashes made with a pepper need it for good.',
  }),
  PASSWORD_MIN_LENGTH: wholeNumber(8, 64).default(8).meta({
    description: 'The least number of characters of a new password (NIST SP 800-63B-4: at least 8).',
  }),
  ARGON2_MEMORY_KIB: wholeNumber(19456, 1048576).default(19456).meta({
    description: 'argon2id memory in KiB. Raised: each password is hashed again at its next sign-in.',
  }),
  ARGON2_PASSES: wholeNumber(2, 20).default(2).meta({ description: 'argon2id passes over the memory.' }),
  HASH_QUEUE: wholeNumber(1, 10000)
    .default(64)
    .meta({ description: 'How many password checks may wait; the next one gets 503 with Retry-After.' }),
  BRAND_NAME: z
    .string()
    .min(1)
    .max(40)
    .default('Latchkey')
    .meta({ description: 'The name on pages and in messages.' }),
  BRAND_LOGO: z
    .string()
    .superRefine(checkLogo)
    .optional()
    .meta({ description: 'A logo file (SVG or PNG, at most 20 kB) shown beside the name.' }),
  BRAND_ACCENT: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour like #3b5bdb')
    .default('#3b5bdb')
    .meta({ description: 'The accent colour of buttons and links.' }),
  SUPPORT_URL: address('https:', 'http:', 'mailto:')
    .optional()
    .meta({ description: 'Where pages send people who need help.' }),
  PRIVACY_URL: address('https:', 'http:')
    .optional()
    .meta({ description: 'Privacy notice, linked on every page.' }),
  TERMS_URL: address('https:', 'http:')
    .optional()
    .meta({ description: 'Terms of use, linked on every page.' }),
  SMTP_URL: address('smtp:', 'smtps:')
    .optional()
    .meta({ description: 'How e-mail leaves. Unset: the development outbox, on loopback issuers only.' }),
  MAIL_FROM: z
    .string()
    .default('Latchkey <no-reply@localhost>')
    .meta({ description: 'The sender of e-mail.' }),
  SMS_URL: address('https:', 'http:').optional().meta({
    description:
      'An HTTP endpoint that sends text messages: POST JSON {to, text}. Unset: the development outbox, or no text messages.',
  }),
  SMS_TOKEN: z.string().optional().meta({ description: 'Sent to SMS_URL as a Bearer token.' }),
  CHALLENGE_BITS: wholeNumber(0, 26).default(16).meta({
    description:
      'How much work a browser proves under pressure: 2 to the power of this many hashes. 16 is about a second; 0 turns the challenge off.',
  }),
  TEXTS_PER_HOUR: wholeNumber(1, 10_000_000).default(1000).meta({
    description:
      'The most text messages in an hour, for the whole service: a ceiling on what abuse can cost.',
  }),
  TEXT_COUNTRIES: list
    .refine((codes) => codes.every((code) => /^[A-Z]{2}$/.test(code)), 'must be country codes like DE,AT,CH')
    .default([])
    .meta({ description: 'The countries (ISO 3166-1 alpha-2) text messages go to. Unset: everywhere.' }),
  DEFAULT_PHONE_REGION: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be a country code like DE')
    .default('US')
    .meta({
      description: 'The country of phone numbers written without a country code (ISO 3166-1 alpha-2).',
    }),
  TRUSTED_PROXIES: list.superRefine(checkProxies).default([]).meta({
    description: 'Addresses or CIDR ranges whose Forwarded and X-Forwarded-For headers are believed.',
  }),
  WORKERS: wholeNumber(1, 256)
    .default(1)
    .meta({ description: 'Processes; more than one needs Redis and PostgreSQL.' }),
  ALLOW_LOOPBACK_FETCH: onOff
    .default(false)
    .meta({ description: 'on lets the server fetch jwks_uri and the like from loopback, for test suites.' }),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .meta({ description: 'The least level that is logged.' }),
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
      'For so long the same app may use a refresh token again, and gets the same new one; after that it counts as stolen. 0: at once.',
  }),
  RP_ID: z
    .string()
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'must be a domain in lower case')
    .optional()
    .meta({
      description:
        "The domain that passkeys are made for: ISSUER's host, or a domain above it. Unset: ISSUER's host. Changed, it orphans every passkey.",
    }),
  WEBAUTHN_ORIGINS: list
    .refine((origins) => origins.every(isIssuer), 'must be https origins without path or slash at the end')
    .default([])
    .meta({
      description:
        'Other origins that may use the passkeys of RP_ID, told to browsers at /.well-known/webauthn. An ISSUER that is not below RP_ID must stand here, and in that file on RP_ID.',
    }),
  TEXT_SECOND_STEP: onOff.default(true).meta({
    description:
      'off: codes by text message are no second step any more, also for those who have them. Weaker than the other methods.',
  }),
  TRUSTED_DEVICE_DAYS: wholeNumber(1, 400)
    .default(30)
    .meta({ description: 'How long a browser may skip the second step, counted from when it was trusted.' }),
  DEMO: onOff.default(false).meta({
    description: 'on also serves the demonstration app (`npm start` turns it on). Loopback issuers only.',
  }),
});

export type Settings = z.output<typeof settingsSchema> & {
  /** The origin's parts, so that nobody parses it twice. */
  issuer: { origin: string; host: string; https: boolean; loopback: boolean };
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
  const url = new URL(parsed.data.ISSUER);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return {
    ...parsed.data,
    issuer: { origin: url.origin, host: url.host, https: url.protocol === 'https:', loopback },
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

function conflicts(given: z.output<typeof settingsSchema>): string[] {
  const problems: string[] = [];
  if (given.DATABASE_URL && !given.SECRETS_KEY) problems.push('SECRETS_KEY: is required with DATABASE_URL');
  if (given.DATABASE_URL && !given.COOKIE_KEYS) problems.push('COOKIE_KEYS: is required with DATABASE_URL');
  for (const name of ['SECRETS_KEY', 'PASSWORD_PEPPER'] as const)
    for (const key of given[name] ?? [])
      if (Buffer.from(key, 'base64url').length !== 32)
        problems.push(`${name}: each key must be 32 bytes as base64url`);
  for (const key of given.COOKIE_KEYS ?? [])
    if (key.length < 32) problems.push('COOKIE_KEYS: each key must have 32 characters or more');
  if (given.WORKERS > 1 && !(given.DATABASE_URL && given.REDIS_URL))
    problems.push('WORKERS: more than 1 needs DATABASE_URL and REDIS_URL');
  if (given.METRICS_PORT && given.METRICS_PORT === given.PORT)
    problems.push('METRICS_PORT: must not be the same as PORT');
  if (given.SESSION_IDLE_DAYS > given.SESSION_MAX_DAYS)
    problems.push('SESSION_IDLE_DAYS: must not exceed SESSION_MAX_DAYS');
  const host = new URL(given.ISSUER).hostname;
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(host);
  problems.push(...rpIdConflicts(given, host));
  if (!loopback && !given.SMTP_URL) problems.push('SMTP_URL: is required unless ISSUER is on loopback');
  if (!loopback && given.DEMO) problems.push('DEMO: only for an ISSUER on loopback');
  return problems;
}

/**
 * A page may use the passkeys of its own host or of a registrable domain above it (WebAuthn section 5.1.2 step 8), or of a
 * domain that names it as related (section 5.11). Browsers know every public suffix and refuse them; `co.uk` and its like
 * are refused here already, since the mistake would else be found by people who cannot sign in.
 */
function rpIdConflicts({ RP_ID, ISSUER, WEBAUTHN_ORIGINS }: z.output<typeof settingsSchema>, host: string) {
  if (RP_ID === undefined || RP_ID === host) return [];
  const publicSuffix = /^([^.]+|(ac|co|com|edu|gov|go|ne|net|or|org)\.[a-z]{2})$/;
  if (publicSuffix.test(RP_ID)) return ['RP_ID: must be a domain that somebody can own'];
  if (host.endsWith(`.${RP_ID}`) || WEBAUTHN_ORIGINS.includes(ISSUER)) return [];
  return ["RP_ID: must be ISSUER's host or a domain above it, or ISSUER must stand in WEBAUTHN_ORIGINS"];
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
