import type { KoaContextWithOIDC } from 'oidc-provider';
import type { PairwiseSubjects } from '../pairwise.ts';
import { asEngineError } from '../unavailable.ts';
import type { EngineViews } from '../views.ts';

/**
 * Signing out at an app's request (OpenID Connect RP-Initiated Logout 1.0). The engine always asks the person, and
 * does not compare whom the app's hint names with who is signed in (engine facts 14): the page says so when they differ.
 */
export function signOutViews(views: EngineViews, subjects: PairwiseSubjects) {
  return {
    async logoutSource(ctx: KoaContextWithOIDC): Promise<void> {
      const session = ctx.oidc.session;
      const { accountId, state } = session ?? {};
      const xsrf = (state as { secret?: string } | undefined)?.secret;
      if (!accountId || !xsrf) throw new Error('the engine asks only who is signed in');
      const question = {
        action: '/logout/confirm',
        xsrf,
        accountId,
        clientName: nameOf(ctx),
        otherAccount: namesAnother(ctx, accountId, subjects),
      };
      await asEngineError(() => views.showSignOut(ctx, question));
    },
    async postLogoutSuccessSource(ctx: KoaContextWithOIDC): Promise<void> {
      await views.showSignedOut(ctx);
    },
  };
}

function nameOf(ctx: KoaContextWithOIDC): string | undefined {
  const { client } = ctx.oidc;
  return client && (client.clientName ?? client.clientId);
}

function namesAnother(ctx: KoaContextWithOIDC, accountId: string, subjects: PairwiseSubjects): boolean {
  const hint = ctx.oidc.entities.IdTokenHint as { payload?: { sub?: string } } | undefined;
  const sub = hint?.payload?.sub;
  const { client } = ctx.oidc;
  if (!sub || !client) return false;
  const known = client.subjectType === 'pairwise' ? subjects(client, accountId) : accountId;
  return sub !== known;
}
