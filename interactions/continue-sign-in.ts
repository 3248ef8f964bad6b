import type { RouterContext } from '@koa/router';
import type { NextStep } from '../src/actions/sign-in.ts';
import { finishLogin, rememberProgress } from '../src/oidc/interaction.ts';
import type { App } from '../src/services.ts';
import { backToStep, type CurrentStep } from './current-step.ts';

/**
 * The only way forward: whatever a verb of the sign-in led to is remembered, or, when everything is proved, handed to the
 * engine. Answers 303 in any case; the GET that follows shows the page, so a reload never posts twice.
 */
export async function continueSignIn(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  next: NextStep,
): Promise<void> {
  if (next.at !== 'finished') {
    await rememberProgress(app, ctx, next);
    return backToStep(ctx, current);
  }
  const { accountId, amr, remember } = next;
  const finished = await finishLogin(app, ctx, { accountId, amr, remember });
  // Another tab was first. The page that follows says where things stand now.
  if (!finished.ok) backToStep(ctx, current);
}
