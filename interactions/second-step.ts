import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { submitSecondStep } from '../src/actions/sign-in-second-step.ts';
import type { App } from '../src/services.ts';
import { codeField, type Problems, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf } from './current-step.ts';
import { limitedSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'second-step.ejs');
const secondStepForm = z.object({ code: codeField({ required: 'second-step.code_missing' }) });

export async function showSecondStep(
  ctx: RouterContext,
  current: CurrentStep,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const view = {
    problems,
    action: pathOf(current, 'second-step'),
    startOver: pathOf(current, 'start-over'),
  };
  await showPage(ctx, { template, title: ctx.state.words.t('second-step.title'), view, status });
}

export function mountSecondStep(router: Router, app: App): void {
  router.post('/interaction/:uid/second-step', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at !== 'second_step') return backToStep(ctx, current);
    const form = await readForm(ctx, secondStepForm);
    if (!form.ok) return await showSecondStep(ctx, current, { problems: form.problems, status: 400 });

    const { code } = form.fields;
    const answer = await submitSecondStep(app, { progress: current.step, code }, ctx.state.source);
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    const limited = answer.reason === 'limited';
    const sentence = limited ? limitedSentence(ctx, answer, 'second-step.limited') : 'second-step.wrong_code';
    await showSecondStep(ctx, current, { problems: { code: sentence }, status: limited ? 429 : 400 });
  });
}
