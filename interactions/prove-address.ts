import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { proveAddress } from '../src/actions/prove-address.ts';
import { sendResetCodeAgain } from '../src/actions/reset-password.ts';
import type { SignInProgress } from '../src/actions/sign-in.ts';
import { sendSignUpCodeAgain } from '../src/actions/sign-up.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf, visitOf } from './current-step.ts';
import { limitedSentence } from './problem-sentences.ts';
import { showResetCode } from './reset-code.ts';
import { codeRefused, sentCodeForm } from './sent-code.ts';

const template = path.join(import.meta.dirname, 'prove-address.ejs');
type ProveAddress = Extract<SignInProgress, { at: 'prove_address' }>;

export async function showProveAddress(
  ctx: RouterContext,
  current: CurrentStep,
  step: ProveAddress,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const view = {
    problems,
    address: step.written,
    sentAgain: step.sentAgain,
    action: pathOf(current, 'prove'),
    resend: pathOf(current, 'resend'),
    other: pathOf(current, 'sign-up'),
  };
  await showPage(ctx, { template, title: ctx.state.words.t('sign-up.prove.title'), view, status });
}

export function mountProveAddress(router: Router, app: App): void {
  router.post('/interaction/:uid/prove', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { interaction, step } = current;
    if (step.at !== 'prove_address') return backToStep(ctx, current);
    const form = await readForm(ctx, sentCodeForm);
    if (!form.ok) return await showProveAddress(ctx, current, step, { problems: form.problems, status: 400 });

    const { code } = form.fields;
    const given = { progress: step, code, interactionUid: interaction.uid };
    const answer = await proveAddress(app, given, ctx.state.source);
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    await showProveAddress(ctx, current, step, codeRefused(ctx, answer));
  });

  // For both pages that wait for a code that was sent.
  router.post('/interaction/:uid/resend', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'prove_address' && step.at !== 'reset_code') return backToStep(ctx, current);
    const visit = visitOf(ctx, current);
    const answer =
      step.at === 'prove_address'
        ? await sendSignUpCodeAgain(app, { progress: step }, visit)
        : await sendResetCodeAgain(app, { progress: step }, visit);
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    const again = { problems: { form: limitedSentence(ctx, answer, 'sign-up.limited') }, status: 429 };
    if (step.at === 'prove_address') await showProveAddress(ctx, current, step, again);
    else await showResetCode(ctx, current, step, again);
  });
}
