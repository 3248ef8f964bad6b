import type { Kysely } from 'kysely';
import type {
  ApisTable,
  ClientLogosTable,
  ClientSecretsTable,
  ClientsTable,
  RegistrationTokensTable,
} from './client-tables.ts';
import type { LogoutNoticesTable } from './delivery-tables.ts';
import type {
  AlarmsTable,
  BackupCodesTable,
  TextStepsTable,
  TrustedDevicesTable,
  TwoStepTable,
} from './second-step-tables.ts';

/**
 * The records, as kysely sees them. Portable between PostgreSQL and SQLite: times are epoch milliseconds in bigint
 * columns (read as numbers), JSON is text, "is it so" is the time since when it is so, or null.
 * Each table is written by the one room named beside it; others may join it in a read.
 */
export type Tables = {
  accounts: AccountsTable; // src/accounts
  contacts: ContactsTable; // src/accounts
  passwords: PasswordsTable; // src/credentials
  totp_credentials: TotpCredentialsTable; // src/credentials
  two_step: TwoStepTable; // src/credentials
  text_steps: TextStepsTable; // src/credentials
  backup_codes: BackupCodesTable; // src/credentials
  trusted_devices: TrustedDevicesTable; // src/credentials
  alarms: AlarmsTable; // src/credentials
  failures: FailuresTable; // src/limits
  kept_limits: KeptLimitsTable; // src/limits
  known_browsers: KnownBrowsersTable; // src/credentials
  passkeys: PasskeysTable; // src/credentials
  passkey_users: PasskeyUsersTable; // src/credentials
  clients: ClientsTable; // clients/registry
  client_secrets: ClientSecretsTable; // clients/registry
  client_logos: ClientLogosTable; // clients/registry
  apis: ApisTable; // clients/registry
  registration_tokens: RegistrationTokensTable; // clients/registry
  consents: ConsentsTable; // src/consents
  audit_events: AuditEventsTable; // src/audit
  signing_keys: SigningKeysTable; // src/oidc
  server_secrets: ServerSecretsTable; // src/oidc
  messages: MessagesTable; // src/mail
  ciba_pings: CibaPingsTable; // src/oidc/ciba
  logout_notices: LogoutNoticesTable; // src/oidc/sign-out
  versions: VersionsTable; // src/store
};

export type Database = Kysely<Tables>;

/** What apps are still to be told of answers to their CIBA requests: src/oidc/ciba/pings.ts. */
export type CibaPingsTable = {
  id: string;
  client_id: string;
  /** Sealed: the name of the request, and the app's bearer token for the address it is told at. */
  ping: string;
  until: number;
  attempts: number;
  next_attempt_at: number;
};

export type AccountsTable = {
  id: string;
  /** JSON: the person's own claims by their OIDC names (name, given_name, address, ...); see accounts/profile.ts. */
  profile: string;
  created_at: number;
  updated_at: number;
  /** An operator stopped the account. */
  suspended_at: number | null;
  suspended_reason: string | null;
  /** Locked for the person's safety; recovery unlocks it. */
  locked_at: number | null;
  locked_reason: string | null;
  /** Sessions that signed in before this moment are over, but for the one named beside it. */
  signed_out_before: number | null;
  signed_out_except: string | null;
};

export type ContactsTable = {
  id: string;
  account_id: string;
  channel: 'email' | 'phone';
  /** As compared: e-mail in lower case with an ASCII domain, phone in E.164. Unique among the proved ones of a channel. */
  address: string;
  /** As the person wrote it; what messages are sent to and pages show. */
  written: string;
  verified_at: number | null;
  created_at: number;
};

export type PasswordsTable = {
  account_id: string;
  /** PHC string: algorithm, cost and salt stand in it. */
  hash: string;
  /** Which pepper was mixed in; null when none. */
  pepper_id: string | null;
  changed_at: number;
};

export type TotpCredentialsTable = {
  id: string;
  account_id: string;
  name: string;
  /** Base32 secret, sealed for `totp`. */
  secret: string;
  /** The newest time step that was accepted; a step is taken once (RFC 6238 section 5.2). */
  last_used_step: number;
  /** The name of its newest use: store/once-more.ts. */
  used_by: string | null;
  created_at: number;
  last_used_at: number | null;
};

/** Wrong tries in a row; see limits/failures.ts. */
export type FailuresTable = {
  /** The account's id, or a keyed digest of what was typed where there is none. */
  subject: string;
  /** What was tried: see limits/waits.ts. */
  proof: string;
  /** Null where there is no such account. */
  account_id: string | null;
  in_a_row: number;
  last_at: number;
  /** The next try is looked at from then on. */
  retry_at: number;
  /** When the account's owner was told. */
  told_at: number | null;
};

/** How often something was done that wears out an account's owner; see limits/kept-limits.ts. */
export type KeptLimitsTable = {
  account_id: string;
  /** Of the limit, or of what was put a stop to. */
  name: string;
  /** The app that it is about; empty when it is about none. */
  app: string;
  count: number;
  ends_at: number;
};

/** A browser that signed in to the account before; see credentials/known-browsers.ts. */
export type KnownBrowsersTable = {
  /** Names the browser: one row for each account that signed in there. */
  id: string;
  account_id: string;
  /** SHA-256 of the cookie's secret, base64url. */
  secret: string;
  first_seen_at: number;
  last_seen_at: number;
  /** Wrong tries from this browser in a row. */
  password_failures: number;
  second_step_failures: number;
  reset_code_failures: number;
};

export type PasskeysTable = {
  id: string;
  account_id: string;
  /** The authenticator's own name of the key, base64url. No two accounts can have one. */
  credential_id: string;
  /** `passkey`: signs in by itself. `security_key`: was added to stand beside the password. */
  kind: 'passkey' | 'security_key';
  name: string;
  /** COSE_Key, base64url. */
  public_key: string;
  /** The greatest count of uses that was seen; 0 of authenticators that do not count. */
  counter: number;
  /** The name of its newest use: store/once-more.ts. */
  used_by: string | null;
  aaguid: string;
  /** JSON: how the browser reaches it (`internal`, `usb`, `hybrid`, ...). */
  transports: string;
  /** Whether the key may leave its device, and whether it has. */
  backup: 'none' | 'eligible' | 'backed_up';
  /** Since when it counts as both factors: its first user verification beside another proof (WebAuthn: uvInitialized). */
  verified_since: number | null;
  created_at: number;
  created_ip: string | null;
  created_user_agent: string | null;
  last_used_at: number | null;
  /** Its counter went back: somebody may hold a copy. */
  copy_suspected_at: number | null;
};

/** An account as authenticators know it, and what it said to the offer of a passkey. */
type PasskeyUsersTable = {
  account_id: string;
  /** 64 random bytes, base64url: tells nothing of the account (WebAuthn section 14.6.1). */
  handle: string;
  offered_at: number | null;
  /** Not to be offered again. */
  offer_declined_at: number | null;
};

export type ConsentsTable = {
  account_id: string;
  client_id: string;
  /** JSON: scopes allowed, and optional scopes the person was asked for and left out. */
  allowed_scopes: string;
  declined_scopes: string;
  first_allowed_at: number;
  changed_at: number;
  last_used_at: number;
};

export type AuditEventsTable = {
  /** Sorts by time: see audit/record.ts. */
  id: string;
  at: number;
  type: string;
  account_id: string | null;
  client_id: string | null;
  /** Who did it: person, client, operator or system. */
  actor: string;
  ip: string | null;
  user_agent: string | null;
  session_uid: string | null;
  request_id: string | null;
  /** JSON, the members the catalogue lists for this type. */
  detail: string;
  /** One chain a writing process: `seq` counts from 1 and `mac` covers the row and the mac before it. */
  chain: string;
  seq: number;
  mac: string;
};

export type SigningKeysTable = {
  kid: string;
  alg: string;
  /** The private JWK, sealed for `signing-key`. */
  jwk: string;
  created_at: number;
  /** Signs from this moment on; published from creation. */
  signs_from: number;
  /** Set when a newer key took over: still published until `retire_at`. */
  retire_at: number | null;
};

/** Secrets that are made once and never change, whatever happens to SECRETS_KEY; sealed for `server-secret`. */
export type ServerSecretsTable = { name: string; secret: string };

export type MessagesTable = {
  id: string;
  at: number;
  channel: 'email' | 'sms';
  /** JSON { to, subject, text, html, links, codes }, sealed for `message`: it may carry a code. */
  body: string;
  sent_at: number | null;
  attempts: number;
  next_attempt_at: number;
  failed_at: number | null;
  last_error: string | null;
};

/** A number per subject ('clients', 'keys') that grows with each change: how processes notice a change of another. */
export type VersionsTable = { subject: string; version: number };
