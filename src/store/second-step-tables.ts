import type { Generated } from 'kysely';

/** The tables of two-step verification, as tables.ts has the others. All are written by src/credentials. */

/** One row an account that ever had a second step. */
export type TwoStepTable = {
  account_id: string;
  /** Since when signing in asks for a second step; null when it was turned off. */
  turned_on_at: number | null;
  /** `<kind>.<id>` of the method that is asked first. */
  preferred: string | null;
  /** Trusted devices whose sign-in began before this moment are void, listed or not. */
  devices_since: Generated<number>;
  /** Grows with each change of the methods: whoever changes it first goes first. */
  changes: Generated<number>;
  /** Since when sign-ins may be approved on another device; null when they may not. */
  approvals_at: number | null;
  approval_used_at: number | null;
};

/** Numbers of the account that get codes when signing in. */
export type TextStepsTable = {
  id: string;
  account_id: string;
  contact_id: string;
  created_at: number;
  last_used_at: number | null;
};

export type BackupCodesTable = {
  id: string;
  account_id: string;
  /** PHC string of argon2id; the codes of one set have one salt. */
  hash: string;
  pepper_id: string | null;
  created_at: number;
  used_at: number | null;
  /** The name of the use: its own repeat, after a lost reply, is no second one (store/once-more.ts). */
  used_by: string | null;
};

/** Browsers that may skip the second step of one account. */
export type TrustedDevicesTable = {
  id: string;
  account_id: string;
  /** SHA-256 of the secret in the cookie, base64url. */
  digest: string;
  /** What the person called it. */
  name: string | null;
  /** Browser and system as web/browser-family.ts names them: the cookie is good in this one. */
  browser: string;
  user_agent: string;
  first_ip: string;
  last_ip: string;
  /** When the first factor of the sign-in that made it was proved. */
  proved_at: number;
  created_at: number;
  last_used_at: number | null;
  expires_at: number;
};

/** "It wasn't me": one row a notice. */
export type AlarmsTable = {
  /** SHA-256 of the secret in the link, base64url. */
  digest: string;
  account_id: string;
  /** The name of the message that carried it. */
  about: string;
  created_at: number;
  expires_at: number;
  raised_at: number | null;
};
