import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { beginPasskey } from '../src/actions/enrol-passkey.ts';
import {
  acceptPasskey,
  declinePasskey,
  offeredPasskey,
  type PasskeyOffer,
} from '../src/actions/offer-passkey.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm, tickBox } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { browserName } from './account/browser-name.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, entryOf, pathOf } from './current-step.ts';
import { answerOptions, elsewhere, passkeyResponse } from './passkey-answers.ts';

const template = path.join(import.meta.dirname, 'passkey-offer.ejs');
const quietForm = z.object({ quiet: tickBox() });
const madeForm = z.object({ response: passkeyResponse('create'), quiet: tickBox() });
const answerForm = z.object({ answer: z.enum(['not_now', 'never']) });

/** After a sign-in by password: a passkey for next time, made quietly where the browser can, else in the open, or not at all. */
export async function showPasskeyOffer(
  ctx: RouterContext,
  current: CurrentStep,
  step: PasskeyOffer,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const view = {
    problems,
    action: pathOf(current, 'passkey-offer'),
    decline: pathOf(current, 'passkey-offer/decline'),
    // Once refused, a browser would be asked again and again by its own page.
    quiet: step.quiet && Object.keys(problems).length === 0,
  };
  const title = ctx.state.words.t('passkey.offer.title');
  await showPage(ctx, { template, title, view, status, scripts: ['passkeys.js'] });
}

export function mountPasskeyOffer(router: Router, app: App): void {
  router.post('/interaction/:uid/passkey-offer/options', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'passkey_offer') throw elsewhere();
    const form = await readForm(ctx, quietForm);
    if (!form.ok) throw elsewhere();
    const entry = entryOf(app, ctx, current);
    answerOptions(ctx, await beginPasskey(app, offeredPasskey(step, entry, form.fields), entry.from));
  });

  router.post('/interaction/:uid/passkey-offer', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'passkey_offer') return backToStep(ctx, current);
    const form = await readForm(ctx, madeForm);
    const again = (sentence: string) =>
      showPasskeyOffer(ctx, current, step, { problems: { form: sentence }, status: 400 });
    if (!form.ok) return await again('passkey.create.failed');
    const { words, source } = ctx.state;
    const fallbackName = words.t('passkey.default_name.on', {
      browser: browserName(words, source.userAgent),
    });
    const made = { progress: step, ...form.fields, fallbackName };
    const accepted = await acceptPasskey(app, made, entryOf(app, ctx, current));
    if (accepted.ok) return await continueSignIn(app, ctx, current, accepted.next);
    await again(`passkey.enrol.${accepted.reason}`);
  });

  router.post('/interaction/:uid/passkey-offer/decline', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'passkey_offer') return backToStep(ctx, current);
    const form = await readForm(ctx, answerForm);
    if (!form.ok) return backToStep(ctx, current);
    const never = form.fields.answer === 'never';
    const { next } = await declinePasskey(app, { progress: step, never });
    await continueSignIn(app, ctx, current, next);
  });
}
