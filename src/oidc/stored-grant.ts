import type { AdapterPayload } from 'oidc-provider';

/** A grant as it is kept: the engine's members, and ours. */
export type StoredGrant = AdapterPayload & {
  /** The session it was made for. */
  sessionUid?: string;
  /** What was allowed, and what was declined. */
  openid?: { scope?: string };
  rejected?: { openid?: { scope?: string } };
  /** That session ended: what was to live no longer than it is dead, and what may outlive it lives on. */
  sessionOver?: true;
};
