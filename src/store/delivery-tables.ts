/** What apps are still to hear of sessions that ended: src/oidc/sign-out/logout-notices.ts. */
export type LogoutNoticesTable = {
  id: string;
  client_id: string;
  account_id: string;
  /** The session as this app knows it. */
  sid: string;
  at: number;
  attempts: number;
  next_attempt_at: number;
};
