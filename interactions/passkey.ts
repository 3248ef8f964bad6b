import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { askForPasskey } from '../src/actions/ask-passkey.ts';
import { signInOccasion } from '../src/actions/begin-second-step.ts';
import { noteBrowserCan } from '../src/actions/passkey-visit.ts';
import { askForPasskeyStep } from '../src/actions/second-step-passkey.ts';
import { signInChallenge, submitPasskey } from '../src/actions/sign-in-passkey.ts';
import type { App } from '../src/services.ts';
import { readForm, tickBox } from '../src/web/form.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, currentStep, entryOf } from './current-step.ts';
import { answerOptions, elsewhere, passkeyResponse } from './passkey-answers.ts';
import { showSignInAgain } from './sign-in.ts';

const canForm = z.object({ can: z.array(z.enum(['offer', 'quiet'])) });
const passkeyForm = z.object({ response: passkeyResponse('get'), remember: tickBox() });

/**
 * Signing in by passkey, on the sign-in page and at the second step. Each is two requests of the page's script
 * (shared/assets/passkeys.js): options, asked for when the browser is about to need them, since a challenge lives shorter
 * than a page; and the browser's answer, which is a form like any other.
 */
export function mountPasskey(router: Router, app: App): void {
  router.post('/interaction/:uid/passkey/options', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') throw elsewhere();
    const form = await readForm(ctx, canForm, { lists: ['can'] });
    const entry = entryOf(app, ctx, current);
    if (form.ok && form.fields.can.length > 0)
      await noteBrowserCan(app, entry.interactionUid, form.fields.can);
    const asked = { ...signInChallenge(entry), userVerification: 'required' as const, allowed: [] };
    answerOptions(ctx, await askForPasskey(app, asked, entry.from));
  });

  router.post('/interaction/:uid/passkey', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at === 'consent') return backToStep(ctx, current);
    const form = await readForm(ctx, passkeyForm);
    if (!form.ok) {
      const problems = { form: form.problems['response'] ?? 'passkey.refused' };
      const again = { problems, remember: false, status: 400, refused: { unknown: undefined } };
      return await showSignInAgain(app, ctx, current, again);
    }
    const { response, remember } = form.fields;
    const answer = await submitPasskey(app, { response, remember }, entryOf(app, ctx, current));
    if (answer.ok) return await continueSignIn(app, ctx, current, answer.next);
    const problems = { form: `passkey.${answer.reason}` };
    const refused = { unknown: answer.reason === 'unknown' ? credentialIn(response) : undefined };
    await showSignInAgain(app, ctx, current, { problems, remember, status: 400, refused });
  });

  router.post('/interaction/:uid/second-step/options', async (ctx: RouterContext) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'second_step') throw elsewhere();
    const occasion = signInOccasion(entryOf(app, ctx, current));
    answerOptions(ctx, await askForPasskeyStep(app, { accountId: step.accountId, occasion }));
  });
}

/** The key that was named, for the password manager to forget: nothing but an id ever goes back to the page. */
function credentialIn(response: string): string | undefined {
  const { id } = JSON.parse(response) as { id?: unknown };
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,1400}$/.test(id) ? id : undefined;
}
