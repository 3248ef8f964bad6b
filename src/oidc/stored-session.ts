import type { AdapterPayload } from 'oidc-provider';

/** A session as it is kept: the engine's members, and ours. */
export type StoredSession = AdapterPayload & {
  uid: string;
  /** Digest of the cookie's secret, and of those just before it for the moment in which two tabs may race. */
  secret: string;
  former?: { secret: string; until: number }[];
  /** Where and when, for the person's list of sessions. Epoch milliseconds. */
  seen?: { startedAt: number; at: number; ip: string; userAgent: string };
};
