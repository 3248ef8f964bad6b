import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { requestReset } from '../src/actions/reset-password.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm, textField } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf, visitOf } from './current-step.ts';
import { limitedSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'forgot.ejs');
const forgotForm = z.object({
  identifier: textField({ most: 400, required: 'sign-in.identifier_missing' }),
});

type Shown = { problems?: Problems; identifier?: string; status?: number };

async function showForgot(
  ctx: RouterContext,
  current: CurrentStep,
  { problems = {}, identifier = '', status = 200 }: Shown = {},
): Promise<void> {
  const view = {
    problems,
    identifier,
    action: pathOf(current, 'forgot'),
    signIn: pathOf(current, 'sign-in'),
  };
  await showPage(ctx, { template, title: ctx.state.words.t('recovery.title'), view, status });
}

export function mountForgot(router: Router, app: App): void {
  router.get('/interaction/:uid/forgot', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    await showForgot(ctx, current);
  });

  router.post('/interaction/:uid/forgot', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const form = await readForm(ctx, forgotForm);
    if (!form.ok) {
      const { identifier = '' } = form.typed;
      return await showForgot(ctx, current, { problems: form.problems, identifier, status: 400 });
    }
    const { identifier } = form.fields;
    const answer = await requestReset(app, { identifier }, visitOf(ctx, current));
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    if (answer.reason === 'limited') {
      const problems = { form: limitedSentence(ctx, answer, 'sign-up.limited') };
      return await showForgot(ctx, current, { problems, identifier, status: 429 });
    }
    const problems = { identifier: `sign-up.${answer.reason}` };
    await showForgot(ctx, current, { problems, identifier, status: 400 });
  });
}
