import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { proveRiskCheck } from '../src/actions/prove-risk-check.ts';
import { sendRiskCodeAgain } from '../src/actions/risk-check.ts';
import { lastDigits } from '../src/actions/second-step-text.ts';
import type { RiskCheckProgress } from '../src/actions/sign-in.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, entryOf, pathOf } from './current-step.ts';
import { placeName } from './place-name.ts';
import { limitedSentence } from './problem-sentences.ts';
import { codeRefused, sentCodeForm } from './sent-code.ts';

const template = path.join(import.meta.dirname, 'risk-check.ejs');

/** The page that asks an unusual sign-in for a code, and says what is unusual (src/actions/risk-rules.ts). */
export async function showRiskCheck(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  step: RiskCheckProgress,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const { words, source } = ctx.state;
  const place = placeName(words, app.places.placeOf(source.ip)) ?? source.ip;
  const notSent: Problems = step.codeId === undefined ? { form: 'second-step.trouble.limited' } : {};
  const view = {
    problems: { ...notSent, ...problems },
    to: words.t(`risk.to.${step.channel}`, { address: maskOf(step) }),
    reasons: ['new_browser', ...step.signs].map((sign) => words.t(`risk.sign.${sign}`, { place })),
    sentAgain: step.sentAgain && step.codeId !== undefined,
    action: pathOf(current, 'risk'),
    resend: pathOf(current, 'risk/resend'),
    startOver: pathOf(current, 'start-over'),
  };
  await showPage(ctx, { template, title: words.t('risk.title'), view, status });
}

export function mountRiskCheck(router: Router, app: App): void {
  router.post('/interaction/:uid/risk', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'risk_check') return backToStep(ctx, current);
    const form = await readForm(ctx, sentCodeForm);
    if (!form.ok)
      return await showRiskCheck(app, ctx, current, step, { problems: form.problems, status: 400 });
    const { code } = form.fields;
    const proved = await proveRiskCheck(app, { progress: step, code }, entryOf(app, ctx, current));
    if (proved.ok) return await continueSignIn(app, ctx, current, proved.next);
    await showRiskCheck(app, ctx, current, step, codeRefused(ctx, proved));
  });

  router.post('/interaction/:uid/risk/resend', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'risk_check') return backToStep(ctx, current);
    const sent = await sendRiskCodeAgain(app, { progress: step }, entryOf(app, ctx, current));
    if (sent.ok) return await continueSignIn(app, ctx, current, sent.next);
    const problems = { form: limitedSentence(ctx, sent, 'sign-up.limited') };
    await showRiskCheck(app, ctx, current, step, { problems, status: 429 });
  });
}

/** As somebody sees it who only knows the password: enough to know one's own address by, and not to learn it. */
function maskOf({ channel, written }: RiskCheckProgress): string {
  if (channel === 'phone') return lastDigits(written);
  const at = written.lastIndexOf('@');
  return `\u2066${[...written][0]}••••${written.slice(at)}\u2069`;
}
