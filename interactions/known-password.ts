import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { findAccount } from '../src/accounts/account.ts';
import { changeKnownPassword } from '../src/actions/change-known-password.ts';
import type { KnownPasswordProgress } from '../src/actions/sign-in.ts';
import type { App } from '../src/services.ts';
import { type Problems, passwordField, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, entryOf, pathOf } from './current-step.ts';
import { passwordSentence } from './problem-sentences.ts';

const template = path.join(import.meta.dirname, 'known-password.ejs');
const passwordForm = z.object({ password: passwordField({ required: 'sign-in.password_missing' }) });

/** Another password, for who came in with one that attackers try first. There is no way around it but to go back. */
export async function showKnownPassword(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  step: KnownPasswordProgress,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const account = await findAccount(app, step.accountId);
  const view = {
    problems,
    address: account?.contacts[0]?.written ?? '',
    least: app.settings.PASSWORD_MIN_LENGTH,
    action: pathOf(current, 'known-password'),
    strength: pathOf(current, 'strength'),
    startOver: pathOf(current, 'start-over'),
  };
  await showPage(ctx, { template, title: ctx.state.words.t('recovery.new.title'), view, status });
}

export function mountKnownPassword(router: Router, app: App): void {
  router.post('/interaction/:uid/known-password', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'known_password') return backToStep(ctx, current);
    const form = await readForm(ctx, passwordForm);
    if (!form.ok)
      return await showKnownPassword(app, ctx, current, step, { problems: form.problems, status: 400 });
    const given = { progress: step, password: form.fields.password };
    const answer = await changeKnownPassword(app, given, entryOf(app, ctx, current));
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    const problems = { password: passwordSentence(answer.reason, app.settings) };
    await showKnownPassword(app, ctx, current, step, { problems, status: 400 });
  });
}
