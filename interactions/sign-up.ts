import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { type SignUpRefusal, submitSignUp } from '../src/actions/sign-up.ts';
import type { Limited } from '../src/limits/limits.ts';
import type { App } from '../src/services.ts';
import { type Problems, passwordField, readForm, textField } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { challengeFields, challengeOf, meetsChallenge } from './challenge.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, hintedAddress, pathOf, visitOf } from './current-step.ts';
import { limitedSentence, passwordSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'sign-up.ejs');

const signUpForm = z.object({
  name: textField({ most: 400, required: 'sign-up.name_missing' }),
  identifier: textField({ most: 400, required: 'sign-in.identifier_missing' }),
  password: passwordField({ required: 'sign-in.password_missing' }),
  ...challengeFields,
});

type Shown = { problems?: Problems; typed?: Record<string, string>; status?: number; kept?: string };

export async function showSignUp(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  { problems = {}, typed = {}, status = 200, kept }: Shown = {},
): Promise<void> {
  const challenge = await challengeOf(app, ctx, 'sign_up', kept);
  const view = {
    problems,
    challenge,
    app: current.app,
    name: typed['name'] ?? '',
    identifier: typed['identifier'] ?? hintedAddress(app, current),
    least: app.settings.PASSWORD_MIN_LENGTH,
    action: pathOf(current, 'sign-up'),
    strength: pathOf(current, 'strength'),
    signIn: pathOf(current, 'sign-in'),
  };
  const title = ctx.state.words.t('sign-up.title');
  await showPage(ctx, { template, title, view, status, scripts: challenge ? ['challenge.js'] : [] });
}

export function mountSignUp(router: Router, app: App): void {
  router.get('/interaction/:uid/sign-up', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    await showSignUp(app, ctx, current);
  });

  router.post('/interaction/:uid/sign-up', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const form = await readForm(ctx, signUpForm);
    if (!form.ok)
      return await showSignUp(app, ctx, current, {
        problems: form.problems,
        typed: form.typed,
        status: 400,
        kept: form.typed['challenge'] ?? '',
      });
    const { name, identifier } = form.fields;
    const effort = await meetsChallenge(app, ctx, 'sign_up', form.fields);
    if (!effort.ok) return await showSignUp(app, ctx, current, { ...effort, typed: { name, identifier } });

    const answer = await submitSignUp(app, form.fields, visitOf(ctx, current));
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    const status = answer.reason === 'limited' ? 429 : 400;
    const problems = problemsOf(app, ctx, answer);
    await showSignUp(app, ctx, current, { problems, typed: { name, identifier }, status });
  });
}

function problemsOf(
  { settings }: Pick<App, 'settings'>,
  ctx: RouterContext,
  answer: { ok: false; reason: SignUpRefusal } | Limited,
): Problems {
  switch (answer.reason) {
    case 'limited':
      return { form: limitedSentence(ctx, answer as Limited, 'sign-up.limited') };
    case 'not_a_name':
      return { name: 'sign-up.name_not_text' };
    case 'not_an_address':
    case 'no_text_messages':
      return { identifier: `sign-up.${answer.reason}` };
    default:
      return { password: passwordSentence(answer.reason, settings) };
  }
}
