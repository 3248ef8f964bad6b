import type { Context } from 'koa';

/** The pages that the engine asks for. They belong to floors above this room and are handed down by app.ts. */
export type EngineViews = {
  /**
   * The question whether to sign out (RP-Initiated Logout 1.0 section 2). `action` and `xsrf` make the form;
   * `accountId` is who is signed in, `hintedAccountId` whom the app believes to be signed in, when it said so.
   */
  showSignOut(
    ctx: Context,
    question: {
      action: string;
      xsrf: string;
      accountId: string;
      clientName: string | undefined;
      otherAccount: boolean;
    },
  ): Promise<void>;
  showSignedOut(ctx: Context): Promise<void>;
  /**
   * An answer that the browser sends on in a form (OAuth 2.0 Form Post Response Mode). `app` is whom it goes to; undefined
   * when it goes on here.
   */
  showHandOver(
    ctx: Context,
    form: {
      action: string;
      fields: readonly { name: string; value: string }[];
      app: string | undefined;
      status: number;
    },
  ): Promise<void>;
  /** A request of an app that is refused on a page of ours, since nothing proves where to send the person. */
  showRefusal(
    ctx: Context,
    refusal: { status: number; error: string; description: string | undefined },
  ): Promise<void>;
  /** The same for a redirect URI that the app did not register, with what a developer needs to mend it. */
  showWrongRedirect(ctx: Context, request: { clientId: string; sent: string | undefined }): Promise<void>;
  /** A notice to the person: an app asks for their answer (CIBA), which waits on a page of their account. */
  tellOfRequest(what: { accountId: string; clientName: string }): Promise<void>;
  /** A notice to the person: a refresh token of theirs was used twice, so somebody may have copied it. */
  tellOfReuse(what: { accountId: string; clientName: string }): Promise<void>;
  /** A notice to the person: one that never changes was used in an odd way (compat/watch-refresh.ts). */
  tellOfOddUse(what: { accountId: string; clientName: string }): Promise<void>;
};
