import type { RouterContext, RouterMiddleware } from '@koa/router';
import { type Account, findAccount } from '../../src/accounts/account.ts';
import { freshProof } from '../../src/actions/fresh-proof.ts';
import { listOpenApprovals } from '../../src/credentials/approvals.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import { renewSession } from '../../src/oidc/session-renewal.ts';
import { type CurrentSession, currentSession } from '../../src/oidc/sessions.ts';
import type { App } from '../../src/services.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { confirmAddress } from './confirm-address.ts';
import type { Place } from './places.ts';
import { showFrozen } from './show-frozen.ts';

export type SignedIn = { account: Account; session: CurrentSession };
type Show = (ctx: RouterContext, who: SignedIn) => Promise<void>;

/** Every account page is wrapped in this or in `provedLately`: who is not signed in goes and does so, then comes to `place`. */
export function signedIn(app: App, place: Place, show: Show): RouterMiddleware {
  return async (ctx) => {
    const who = await whoIsIt(app, ctx);
    if (who) await showAndRenew(app, ctx, who, show);
    else seeOther(ctx, signInAddress(app, { page: place }));
  };
}

/**
 * For what an unattended browser must not allow: changing the password or the second step, ending all sessions. Who did not
 * prove it lately, with the best they have, does so on the page /account/confirm and comes back to `place`
 * (src/actions/fresh-proof.ts). After "It wasn't me" nobody comes through for a day.
 */
export function provedLately(app: App, place: Place, show: Show): RouterMiddleware {
  return signedIn(app, place, async (ctx, who) => {
    const { account, session } = who;
    const proof = await freshProof(app, { accountId: account.id, session });
    if (proof.ok) return await show(ctx, who);
    if (proof.reason === 'frozen') return await showFrozen(ctx, { account, until: proof.until });
    seeOther(ctx, confirmAddress(place, ctx.query['method']));
  });
}

async function showAndRenew(app: App, ctx: RouterContext, who: SignedIn, show: Show): Promise<void> {
  if (ctx.method === 'GET') ctx.state.openApprovals = (await listOpenApprovals(app, who.account.id)).length;
  if (ctx.method !== 'POST') return await show(ctx, who);
  try {
    await show(ctx, who);
  } catch (error) {
    // The change may stand although its request failed, and is not made again. What is told is the first trouble.
    await renewIfCutOff(app, ctx, who).catch(() => undefined);
    throw error;
  }
  await renewIfCutOff(app, ctx, who);
}

/**
 * Where a form signed everybody else out, the cookie of this browser is a new one too: whoever copied it is somebody else
 * (misuse case SE-11).
 */
async function renewIfCutOff(app: App, ctx: RouterContext, { account, session }: SignedIn): Promise<void> {
  const after = await findAccount(app, account.id);
  const cutOff = after?.signedOutExcept === session.uid && after.signedOutBefore !== account.signedOutBefore;
  if (cutOff) await renewSession(app, ctx, session.uid);
}

async function whoIsIt(app: App, ctx: RouterContext): Promise<SignedIn | undefined> {
  const session = await currentSession(app, ctx);
  const account = session && (await findAccount(app, session.accountId));
  return session && account && { session, account };
}
