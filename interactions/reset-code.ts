import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { submitResetCode } from '../src/actions/reset-password.ts';
import type { SignInProgress } from '../src/actions/sign-in.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf } from './current-step.ts';
import { codeRefused, sentCodeForm } from './sent-code.ts';

const template = path.join(import.meta.dirname, 'reset-code.ejs');
type ResetCode = Extract<SignInProgress, { at: 'reset_code' }>;

export async function showResetCode(
  ctx: RouterContext,
  current: CurrentStep,
  step: ResetCode,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const view = {
    problems,
    address: step.written,
    sentAgain: step.sentAgain,
    action: pathOf(current, 'reset-code'),
    resend: pathOf(current, 'resend'),
    other: pathOf(current, 'forgot'),
  };
  await showPage(ctx, { template, title: ctx.state.words.t('recovery.code.title'), view, status });
}

export function mountResetCode(router: Router, app: App): void {
  router.post('/interaction/:uid/reset-code', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { interaction, step } = current;
    if (step.at !== 'reset_code') return backToStep(ctx, current);
    const form = await readForm(ctx, sentCodeForm);
    if (!form.ok) return await showResetCode(ctx, current, step, { problems: form.problems, status: 400 });

    const { code } = form.fields;
    const given = { progress: step, code, interactionUid: interaction.uid };
    const answer = await submitResetCode(app, given, ctx.state.source);
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    await showResetCode(ctx, current, step, codeRefused(ctx, answer));
  });
}
