import Router from '@koa/router';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import { currentSession } from '../../src/oidc/sessions.ts';
import type { App } from '../../src/services.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { activityPage } from './activity.ts';
import { approvalsPages } from './approvals.ts';
import { appsPages } from './apps.ts';
import { confirmPages } from './confirm.ts';
import { devicesPages } from './devices.ts';
import { notMePages } from './not-me.ts';
import { overviewPage } from './overview.ts';
import { passkeysPages } from './passkeys.ts';
import { passkeysNewPages } from './passkeys-new.ts';
import { passwordPage } from './password.ts';
import { isPlace, placeOfCode, places } from './places.ts';
import { profilePage } from './profile.ts';
import { requestsPages } from './requests.ts';
import { sessionsPages } from './sessions.ts';
import { withOnlyOneWarning } from './show-account-page.ts';
import { signOutPages } from './sign-out.ts';
import { twoStepPages } from './two-step.ts';
import { twoStepApprovalsPages } from './two-step-approvals.ts';
import { twoStepCodesPages } from './two-step-codes.ts';
import { twoStepRemovePages } from './two-step-remove.ts';
import { twoStepTextPages } from './two-step-text.ts';
import { twoStepTotpPages } from './two-step-totp.ts';

/**
 * The account pages: what people see and change of their own account, behind the same session that apps sign in with
 * (signed-in.ts). They show one account only, that of the session: an id in an address is looked up among what belongs
 * to it, and what does not is a page that does not exist. Every change is a verb of src/actions.
 */
export function accountPages(app: App): Router {
  const router = new Router();
  const pages = [
    overviewPage,
    profilePage,
    passwordPage,
    twoStepPages,
    twoStepTotpPages,
    twoStepTextPages,
    twoStepCodesPages,
    twoStepRemovePages,
    twoStepApprovalsPages,
    approvalsPages,
    devicesPages,
    confirmPages,
    notMePages,
    passkeysNewPages,
    passkeysPages,
    appsPages,
    requestsPages,
    sessionsPages,
    activityPage,
    signOutPages,
  ];
  for (const page of pages) router.use(page(app).routes());

  // Where our own authorization request returns to. Its code is left to expire: the session is what we came for. Who
  // comes back without one (the sign-in was cancelled, or no cookie is kept) is not sent round in a circle.
  router.get('/account/signed-in', async (ctx) => {
    const page = isPlace(ctx.query['state']) ? ctx.query['state'] : 'overview';
    const code = placeOfCode(ctx.query['state']);
    const session = await currentSession(app, ctx);
    if (!session) return seeOther(ctx, '/account/signed-out');
    if (code) return seeOther(ctx, `${places.device}?user_code=${code}`);
    const { onlyOne } = await twoStepOf(app, session.accountId);
    // These two say it themselves.
    const says = page === 'overview' || page === 'two-step';
    seeOther(ctx, onlyOne && !says ? withOnlyOneWarning(page) : places[page]);
  });

  // What somebody types who knows our name only, and what password managers open (A Well-Known URL for Changing Passwords, W3C).
  router.get('/', (ctx) => seeOther(ctx, places.overview));
  router.get('/.well-known/change-password', (ctx) => seeOther(ctx, places.password));
  return router;
}
