import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { requestReset } from '../src/actions/reset-password.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm, textField } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { challengeFields, challengeOf, meetsChallenge } from './challenge.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf, visitOf } from './current-step.ts';
import { limitedSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'forgot.ejs');
const forgotForm = z.object({
  identifier: textField({ most: 400, required: 'sign-in.identifier_missing' }),
  ...challengeFields,
});

type Shown = { problems?: Problems; identifier?: string; status?: number; kept?: string };

export async function showForgot(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  { problems = {}, identifier = '', status = 200, kept }: Shown = {},
): Promise<void> {
  const challenge = await challengeOf(app, ctx, 'forgot', kept);
  const view = {
    problems,
    challenge,
    identifier,
    action: pathOf(current, 'forgot'),
    signIn: pathOf(current, 'sign-in'),
  };
  const title = ctx.state.words.t('recovery.title');
  await showPage(ctx, { template, title, view, status, scripts: challenge ? ['challenge.js'] : [] });
}

export function mountForgot(router: Router, app: App): void {
  router.get('/interaction/:uid/forgot', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    await showForgot(app, ctx, current);
  });

  router.post('/interaction/:uid/forgot', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const form = await readForm(ctx, forgotForm);
    if (!form.ok) {
      const { identifier = '', challenge: kept = '' } = form.typed;
      return await showForgot(app, ctx, current, { problems: form.problems, identifier, status: 400, kept });
    }
    const { identifier } = form.fields;
    const effort = await meetsChallenge(app, ctx, 'forgot', form.fields);
    if (!effort.ok) return await showForgot(app, ctx, current, { ...effort, identifier });
    const answer = await requestReset(app, { identifier }, visitOf(ctx, current));
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    if (answer.reason === 'limited') {
      const problems = { form: limitedSentence(ctx, answer, 'sign-up.limited') };
      return await showForgot(app, ctx, current, { problems, identifier, status: 429 });
    }
    const problems = { identifier: `sign-up.${answer.reason}` };
    await showForgot(app, ctx, current, { problems, identifier, status: 400 });
  });
}
