import type { RouterContext } from '@koa/router';
import Router from '@koa/router';
import { leaveSecondStep } from '../src/actions/sign-in-second-step.ts';
import { refuseInteraction } from '../src/oidc/interaction.ts';
import type { App } from '../src/services.ts';
import { seeOther } from '../src/web/see-other.ts';
import { mountChooser, showChooser } from './choose-account.ts';
import { mountConsent, showConsent } from './consent.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep } from './current-step.ts';
import { mountForgot, showForgot } from './forgot.ts';
import { mountKnownPassword, showKnownPassword } from './known-password.ts';
import { mountNewPassword, showNewPassword } from './new-password.ts';
import { wasOvertaken } from './overtaken.ts';
import { mountPasskey } from './passkey.ts';
import { mountPasskeyOffer, showPasskeyOffer } from './passkey-offer.ts';
import { mountPasswordStrength } from './password-strength.ts';
import { mountProveAddress, showProveAddress } from './prove-address.ts';
import { mountRegions } from './regions.ts';
import { mountResetCode, showResetCode } from './reset-code.ts';
import { mountRiskCheck, showRiskCheck } from './risk-check.ts';
import { mountSecondStep, showSecondStep } from './second-step.ts';
import { mountSignIn, showSignIn, showStopped } from './sign-in.ts';
import { mountSignUp, showSignUp } from './sign-up.ts';
import { mountStepUp, showStepUp } from './step-up.ts';

/**
 * The pages of an interaction: signing in, signing up, resetting, consenting. One GET decides which page is shown, from
 * the engine's prompt and the progress; every POST that moves on answers 303 to it. A page is `<page>.ts` and
 * `<page>.ejs`: its form, its view and its routes. What happens is said in src/actions.
 */
export function interactionPages(app: App): Router {
  const router = new Router();
  router.get('/interaction/:uid', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { goesOnAt } = current.interaction;
    if (goesOnAt !== undefined) return seeOther(ctx, goesOnAt);
    await showStep(app, ctx, current);
  });
  for (const mount of mounts) mount(router, app);
  return router;
}

const mounts = [
  mountSignIn,
  mountChooser,
  mountRegions,
  mountSecondStep,
  mountRiskCheck,
  mountStepUp,
  mountPasskey,
  mountPasskeyOffer,
  mountSignUp,
  mountProveAddress,
  mountForgot,
  mountResetCode,
  mountNewPassword,
  mountKnownPassword,
  mountPasswordStrength,
  mountConsent,
  mountWaysOut,
];

/** From the page that "It wasn't me" ends on: our own request, which asks for a new password at once. */
function recovers({ interaction: { client, params, progress } }: CurrentStep): boolean {
  return client === undefined && params['state'] === 'recover' && progress === undefined;
}

/** OpenID Connect: Initiating User Registration 1.0 (`prompt=create`). Who has an account turns to the sign-in from there. */
function wantsNewAccount({ interaction: { prompt, progress } }: CurrentStep): boolean {
  return prompt === 'create' && progress === undefined;
}

async function showStep(app: App, ctx: RouterContext, current: CurrentStep): Promise<void> {
  const { step } = current;
  switch (step.at) {
    case 'start':
      if (recovers(current)) return await showForgot(app, ctx, current);
      if ((await showStepUp(app, ctx, current)) === 'shown') return;
      if ((await showChooser(app, ctx, current)) === 'shown') return;
      if (wantsNewAccount(current)) return await showSignUp(app, ctx, current);
      if (await wasOvertaken(app, ctx, current)) return;
      return await showSignIn(app, ctx, current);
    case 'second_step':
      return await showSecondStep(app, ctx, current, step);
    case 'risk_check':
      return await showRiskCheck(app, ctx, current, step);
    case 'prove_address':
      return await showProveAddress(ctx, current, step);
    case 'reset_code':
      return await showResetCode(ctx, current, step);
    case 'new_password':
      return await showNewPassword(app, ctx, current, step);
    case 'known_password':
      return await showKnownPassword(app, ctx, current, step);
    case 'suspended':
    case 'locked':
      return await showStopped(ctx, current, step.at);
    case 'passkey_offer':
      return await showPasskeyOffer(ctx, current, step);
    case 'consent':
      return await showConsent(app, ctx, current);
  }
}

function mountWaysOut(router: Router, app: App): void {
  /** As somebody else; on the consent page too, where signing in then replaces who is signed in. */
  router.post('/interaction/:uid/start-over', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'second_step') await leaveSecondStep(app, current.step);
    await continueSignIn(app, ctx, current, { at: 'start' });
  });

  /** Back to the app, which is told that the person did not want to (RFC 6749 section 4.1.2.1). */
  router.post('/interaction/:uid/cancel', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'second_step') await leaveSecondStep(app, current.step);
    const description = 'the person went back';
    const refused = await refuseInteraction(app, ctx, { error: 'access_denied', description });
    if (!refused.ok) backToStep(ctx, current);
  });
}
