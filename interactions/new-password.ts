import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { submitNewPassword } from '../src/actions/reset-password-set.ts';
import type { SignInProgress } from '../src/actions/sign-in.ts';
import type { App } from '../src/services.ts';
import { type Problems, passwordField, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, pathOf } from './current-step.ts';
import { passwordSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'new-password.ejs');
const passwordForm = z.object({ password: passwordField({ required: 'sign-in.password_missing' }) });
type NewPassword = Extract<SignInProgress, { at: 'new_password' }>;

export async function showNewPassword(
  { settings }: Pick<App, 'settings'>,
  ctx: RouterContext,
  current: CurrentStep,
  step: NewPassword,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const view = {
    problems,
    address: step.written,
    least: settings.PASSWORD_MIN_LENGTH,
    action: pathOf(current, 'new-password'),
    strength: pathOf(current, 'strength'),
  };
  await showPage(ctx, { template, title: ctx.state.words.t('recovery.new.title'), view, status });
}

export function mountNewPassword(router: Router, app: App): void {
  router.post('/interaction/:uid/new-password', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'new_password') return backToStep(ctx, current);
    const form = await readForm(ctx, passwordForm);
    if (!form.ok)
      return await showNewPassword(app, ctx, current, step, { problems: form.problems, status: 400 });

    const { password } = form.fields;
    const given = { progress: step, password, locale: ctx.state.words.locale };
    const answer = await submitNewPassword(app, given, ctx.state.source);
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    const problems = { password: passwordSentence(answer.reason, app.settings) };
    await showNewPassword(app, ctx, current, step, { problems, status: 400 });
  });
}
