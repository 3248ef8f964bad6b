import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { beginStepUp, raisedByFreshProof } from '../src/actions/step-up.ts';
import { phishingResistant } from '../src/kit/levels.ts';
import {
  type CurrentInteraction,
  goOnAsItIs,
  refuseInteraction,
  rememberProgress,
} from '../src/oidc/interaction.ts';
import { currentSession } from '../src/oidc/sessions.ts';
import { levelMissing } from '../src/oidc/step-up/level-check.ts';
import type { App } from '../src/services.ts';
import { readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf } from './current-step.ts';
import { showSecondStep } from './second-step.ts';

const template = path.join(import.meta.dirname, 'step-up.ejs');
const decisionForm = z.object({ decision: z.enum(['again', 'without', 'back']) });

/**
 * Somebody is signed in and an app asks for a higher level than they have (src/kit/levels.ts): they are asked for what is
 * missing and for nothing else. Who has nothing to prove it with is told so, and where to set it up. They may go on
 * without, if the app did not say that it is essential; then the app is told the truth (`acr`).
 */
export async function showStepUp(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
): Promise<'shown' | 'not_here'> {
  const { interaction } = current;
  if (!onlyLevelMissing(interaction)) return 'not_here';
  const session = await currentSession(app, ctx);
  // It ended while the page was open: the whole sign-in is asked.
  if (!session || session.uid !== interaction.sessionUid) return 'not_here';
  const { least: level } = interaction.wanted;
  const raised = await raisedByFreshProof(app, { session, level, from: ctx.state.source });
  if (raised) {
    await continueSignIn(app, ctx, current, raised);
    return 'shown';
  }
  const step = await beginStepUp(app, { session, level });
  if (!step) {
    await showLevelMissing(app, ctx, current);
    return 'shown';
  }
  await rememberProgress(app, ctx, step);
  await showSecondStep(app, ctx, { ...current, step }, step);
  return 'shown';
}

/** Once there is progress, somebody chose another way, or made too many mistakes. */
function onlyLevelMissing({ prompt, progress, reasons }: CurrentInteraction): boolean {
  return prompt === 'login' && progress === undefined && reasons.every((one) => one === levelMissing);
}

async function showLevelMissing(app: App, ctx: RouterContext, current: CurrentStep): Promise<void> {
  const { essential, least } = current.interaction.wanted;
  const kind = least === phishingResistant ? 'passkey' : 'two_step';
  const { words } = ctx.state;
  const named = { app: current.app ?? app.settings.BRAND_NAME };
  const view = {
    lead: words.t(`step-up.${kind}.lead`, named),
    what: words.t(essential ? 'step-up.essential' : 'step-up.voluntary', named),
    setUp: {
      href: kind === 'passkey' ? '/account/passkeys' : '/account/two-step',
      label: `step-up.${kind}.set_up`,
    },
    action: pathOf(current, 'step-up'),
    startOver: pathOf(current, 'start-over'),
    without: !essential,
    app: named.app,
  };
  const title = words.t(`step-up.${kind}.title`);
  await showPage(ctx, { template, title, view });
}

export function mountStepUp(router: Router, app: App): void {
  router.post('/interaction/:uid/step-up', async (ctx) => {
    const current = await currentStep(app, ctx);
    const form = await readForm(ctx, decisionForm);
    if (!form.ok || !onlyLevelMissing(current.interaction)) return backToStep(ctx, current);
    const { decision } = form.fields;
    const { essential } = current.interaction.wanted;
    if (decision === 'back') {
      // OpenID Connect Core Unmet Authentication Requirements 1.0.
      const error = essential ? 'unmet_authentication_requirements' : 'access_denied';
      const refused = await refuseInteraction(app, ctx, { error, description: 'the level was not reached' });
      if (refused.ok) return;
    }
    if (decision === 'without' && !essential) {
      const went = await goOnAsItIs(app, ctx, { withoutLevel: true });
      if (went.ok) return;
    }
    backToStep(ctx, current);
  });
}
