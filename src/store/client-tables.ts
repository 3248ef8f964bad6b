/** The tables of clients/registry, as kysely sees them: rows of the one list in tables.ts. */
export type ClientsTable = {
  client_id: string;
  /** JSON: RFC 7591 metadata by its names, and our own switches; never a secret. */
  metadata: string;
  created_at: number;
  updated_at: number;
  disabled_at: number | null;
  /** Once it was disabled and enabled again: what was issued to it before is dead. */
  issued_from: number | null;
  /** When its removal began; disabled ever since. */
  removing_since: number | null;
  /** How it came in when no operator registered it: `token`, `open` or `document`. */
  origin: string | null;
  /** When an operator vouched for one that came in by itself. */
  verified_at: number | null;
  /** SHA-256 of what lets the app change its own registration, base64url. */
  registration_digest: string | null;
};

export type RegistrationTokensTable = {
  id: string;
  /** SHA-256 of the secret, base64url. */
  digest: string;
  /** What for, in the operator's words. */
  note: string;
  uses_left: number;
  expires_at: number;
  created_at: number;
};

export type ClientSecretsTable = {
  id: string;
  client_id: string;
  /** SHA-256 of the secret, base64url. */
  digest: string;
  /** The last four characters, to tell secrets apart. */
  hint: string;
  created_at: number;
  expires_at: number | null;
};

/** Pictures that passed clients/registry/logo.ts. */
export type ClientLogosTable = {
  client_id: string;
  media_type: string;
  /** The picture itself, base64. */
  bytes: string;
  /** The address that it was fetched from, or `file` or `data`. */
  source: string;
  stored_at: number;
};

export type ApisTable = {
  identifier: string;
  /** JSON: clients/registry/apis/members.ts. */
  members: string;
  created_at: number;
  updated_at: number;
};
