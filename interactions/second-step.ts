import path from 'node:path';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { methodNamed } from '../src/actions/second-step-methods.ts';
import type { SecondStepProgress } from '../src/actions/sign-in.ts';
import {
  chooseSecondStep,
  lookElsewhere,
  proveSecondStep,
  usableMethods,
} from '../src/actions/sign-in-second-step.ts';
import { takeFromLimits } from '../src/limits/limits.ts';
import type { App } from '../src/services.ts';
import { type Problems, readForm, textField, tickBox } from '../src/web/form.ts';
import { showPage } from '../src/web/page.ts';
import { continueSignIn } from './continue-sign-in.ts';
import { backToStep, type CurrentStep, currentStep, entryOf, pathOf } from './current-step.ts';
import { limitedSentence } from './problem-sentences.ts';
import { secondStepPart } from './second-step/kinds.ts';
import { methodLine } from './second-step/method-line.ts';

const template = path.join(import.meta.dirname, 'second-step.ejs');
const methodsTemplate = path.join(import.meta.dirname, 'second-step-methods.ejs');
const choiceForm = z.object({ method: textField({ most: 100 }) });
const trustForm = z.object({ trust_device: tickBox() });

type Shown = { problems?: Problems; trustDevice?: boolean; status?: number };

/** The chosen method's page; without one, the page that says that there is none. */
export async function showSecondStep(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  step: SecondStepProgress,
  { problems = {}, trustDevice = false, status = 200 }: Shown = {},
): Promise<void> {
  const { words } = ctx.state;
  const methods = await usableMethods(app, step);
  const method = methodNamed(methods, step.method);
  if (!method) return await showMethods(app, ctx, current, step);
  const part = secondStepPart(method.kind);
  const tooOften = step.trouble === 'limited' ? part.tooOften : undefined;
  const trouble: Problems = step.trouble ? { form: tooOften ?? `second-step.trouble.${step.trouble}` } : {};
  const waits = part.looksAt === undefined || !step.trouble;
  const [field = 'code'] = Object.keys(part.form.shape);
  const view = {
    problems: { ...trouble, ...problems },
    waits,
    lead: waits ? part.lead(words, { method, brand: app.settings.BRAND_NAME }) : undefined,
    ask: part.ask(words, {
      method,
      kept: step.kept,
      problem: problems[field],
      look: part.looksAt && pathOf(current, part.looksAt),
    }),
    submit: words.t(part.submit ?? 'second-step.submit'),
    again: part.again && { label: words.t(part.again.label), value: step.method },
    notice: step.sentAgain && part.again && !step.trouble ? words.t(part.again.done) : undefined,
    days: app.settings.TRUSTED_DEVICE_DAYS,
    trustDevice,
    action: pathOf(current, 'second-step'),
    choose: pathOf(current, 'second-step/method'),
    others: pathOf(current, 'second-step/methods'),
    startOver: pathOf(current, 'start-over'),
  };
  const title = words.t('second-step.title');
  await showPage(ctx, { template, title, view, status, scripts: part.scripts ?? [] });
}

/** What the account has, to choose another. */
async function showMethods(
  app: App,
  ctx: RouterContext,
  current: CurrentStep,
  step: SecondStepProgress,
): Promise<void> {
  const { words } = ctx.state;
  const methods = await usableMethods(app, step);
  const name = methods.length > 0 ? 'methods' : 'none';
  const view = {
    lead: words.t(`second-step.${name}.lead`),
    methods: methods.map((method) => methodLine(words, method)),
    action: pathOf(current, 'second-step/method'),
    back: step.method === undefined ? undefined : pathOf(current),
    startOver: pathOf(current, 'start-over'),
  };
  const title = words.t(`second-step.${name}.title`);
  await showPage(ctx, { template: methodsTemplate, title, view });
}

export function mountSecondStep(router: Router, app: App): void {
  router.post('/interaction/:uid/second-step', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'second_step') return backToStep(ctx, current);
    const method = methodNamed(await usableMethods(app, step), step.method);
    // What was asked for is gone: the page says what there is.
    if (!method) return backToStep(ctx, current);
    const part = secondStepPart(method.kind);
    const form = await readForm(ctx, part.form.extend(trustForm.shape));
    if (!form.ok) {
      const again = {
        problems: form.problems,
        trustDevice: Boolean(form.typed['trust_device']),
        status: 400,
      };
      return await showSecondStep(app, ctx, current, step, again);
    }
    const { trust_device: trustDevice, ...answer } = form.fields as { trust_device: boolean };
    const given = { progress: step, answer: answer as Record<string, string>, trustDevice };
    const proved = await proveSecondStep(app, given, entryOf(app, ctx, current));
    if (proved.ok) return await continueSignIn(app, ctx, current, proved.next);
    const limited = proved.reason === 'limited';
    const [field = 'code'] = Object.keys(part.form.shape);
    const sentence = limited
      ? limitedSentence(ctx, proved, 'second-step.limited')
      : proved.reason === 'wrong_code'
        ? part.wrong
        : proved.reason === 'expired'
          ? (part.expired ?? 'second-step.expired')
          : `second-step.${proved.reason}`;
    const status = limited ? 429 : proved.reason === 'waiting' ? 409 : 400;
    await showSecondStep(app, ctx, current, step, { problems: { [field]: sentence }, trustDevice, status });
  });

  // Beside the page that the step decides: who looks at it changes nothing.
  router.get('/interaction/:uid/second-step/methods', async (ctx) => {
    const current = await currentStep(app, ctx);
    if (current.step.at !== 'second_step') return backToStep(ctx, current);
    await showMethods(app, ctx, current, current.step);
  });

  // For the script of a page that waits: only to the browser that asked, by its interaction's cookie (misuse case MF-25).
  router.get('/interaction/:uid/second-step/elsewhere', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    const room = await takeFromLimits(app, [{ limit: 'approval_look_by_address', key: ctx.state.source.ip }]);
    ctx.set('Cache-Control', 'no-store');
    if (!room.ok) {
      ctx.status = 429;
      ctx.set('Retry-After', String(room.retryAfterSeconds));
      ctx.body = { state: 'waiting' };
      return;
    }
    // Another tab went on: this one finds out where to by going there.
    if (step.at !== 'second_step') ctx.body = { state: 'ready' };
    else ctx.body = { state: await lookElsewhere(app, step, entryOf(app, ctx, current)) };
  });

  router.post('/interaction/:uid/second-step/method', async (ctx) => {
    const current = await currentStep(app, ctx);
    const { step } = current;
    if (step.at !== 'second_step') return backToStep(ctx, current);
    const form = await readForm(ctx, choiceForm);
    if (!form.ok) return backToStep(ctx, current);
    const choice = { progress: step, method: form.fields.method };
    const { next } = await chooseSecondStep(app, choice, entryOf(app, ctx, current));
    await continueSignIn(app, ctx, current, next);
  });
}
