import type { SettingValues } from './schema.ts';

/** What does not go together among settings that are right by themselves: `NAME: sentence`. */
export function conflicts(given: SettingValues): string[] {
  const problems: string[] = [];
  if (given.DATABASE_URL && !given.SECRETS_KEY) problems.push('SECRETS_KEY: is required with DATABASE_URL');
  if (given.DATABASE_URL && !given.COOKIE_KEYS) problems.push('COOKIE_KEYS: is required with DATABASE_URL');
  for (const name of ['SECRETS_KEY', 'PASSWORD_PEPPER'] as const)
    for (const key of given[name] ?? [])
      if (Buffer.from(key, 'base64url').length !== 32)
        problems.push(`${name}: each key must be 32 bytes as base64url`);
  for (const key of given.COOKIE_KEYS ?? [])
    if (key.length < 32) problems.push('COOKIE_KEYS: each key must have 32 characters or more');
  if (given.REDIS_WAIT_MS && given.REDIS_WAIT_MS > given.STORE_TIMEOUT_MS / 2)
    problems.push('REDIS_WAIT_MS: must not exceed half of STORE_TIMEOUT_MS');
  if (given.WORKERS > 1 && !(given.DATABASE_URL && given.REDIS_URL))
    problems.push('WORKERS: more than 1 needs DATABASE_URL and REDIS_URL');
  if (given.METRICS_PORT && given.METRICS_PORT === given.PORT)
    problems.push('METRICS_PORT: must not be the same as PORT');
  if (given.SESSION_IDLE_DAYS > given.SESSION_MAX_DAYS)
    problems.push('SESSION_IDLE_DAYS: must not exceed SESSION_MAX_DAYS');
  if (given.MTLS_HEADER && given.TRUSTED_PROXIES.length === 0)
    problems.push('MTLS_HEADER: needs TRUSTED_PROXIES, who alone are believed');
  if (given.MTLS_ORIGIN && !given.MTLS_HEADER) problems.push('MTLS_ORIGIN: needs MTLS_HEADER');
  if (given.MTLS_ORIGIN === given.ISSUER) problems.push('MTLS_ORIGIN: must not be ISSUER');
  if (given.PROFILE === 'conformance' && given.CONFORMANCE_ISSUER !== given.ISSUER)
    problems.push('CONFORMANCE_ISSUER: must repeat ISSUER with PROFILE=conformance, which opens much');
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
function rpIdConflicts({ RP_ID, ISSUER, WEBAUTHN_ORIGINS }: SettingValues, host: string) {
  if (RP_ID === undefined || RP_ID === host) return [];
  const publicSuffix = /^([^.]+|(ac|co|com|edu|gov|go|ne|net|or|org)\.[a-z]{2})$/;
  if (publicSuffix.test(RP_ID)) return ['RP_ID: must be a domain that somebody can own'];
  if (host.endsWith(`.${RP_ID}`) || WEBAUTHN_ORIGINS.includes(ISSUER)) return [];
  return ["RP_ID: must be ISSUER's host or a domain above it, or ISSUER must stand in WEBAUTHN_ORIGINS"];
}
