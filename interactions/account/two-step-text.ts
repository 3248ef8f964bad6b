import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { beginText, enrolText, waitingNumber } from '../../src/actions/enrol-text.ts';
import { lastDigits } from '../../src/actions/second-step-text.ts';
import type { App } from '../../src/services.ts';
import { codeField, type Problems, readForm, textField } from '../../src/web/form.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Sentence } from '../../src/web/words.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn } from './signed-in.ts';

const numberForm = z.object({ number: textField({ most: 60, required: 'two-step.text.missing' }) });
const codeForm = z.object({ code: codeField({ required: 'second-step.text.missing' }) });

/** Adding codes by text message: a number, and the code that was sent to it. */
export function twoStepTextPages(app: App): Router {
  const router = new Router();
  const codePath = `${places['two-step-text']}/code`;

  router.get(
    places['two-step-text'],
    provedLately(app, 'two-step-text', (ctx, who) => showNumber(ctx, who)),
  );

  router.post(
    places['two-step-text'],
    provedLately(app, 'two-step-text', async (ctx, who) => {
      const { words, source } = ctx.state;
      const form = await readForm(ctx, numberForm);
      if (!form.ok) return showNumber(ctx, who, { problems: form.problems, number: form.typed['number'] });
      const { number } = form.fields;
      const begun = await beginText(app, { ...idsOf(who), number, locale: words.locale }, source);
      if (begun.ok) return seeOther(ctx, codePath);
      if (begun.reason === 'limited') return showNumber(ctx, who, { ...limited(ctx, begun), number });
      return showNumber(ctx, who, { problems: { number: `two-step.text.${begun.reason}` }, number });
    }),
  );

  router.get(
    codePath,
    provedLately(app, 'two-step-text', (ctx, who) => showCode(app, ctx, who, codePath)),
  );

  router.post(
    codePath,
    provedLately(app, 'two-step-text', async (ctx, who) => {
      const { words, source } = ctx.state;
      const form = await readForm(ctx, codeForm);
      if (!form.ok) return showCode(app, ctx, who, codePath, { problems: form.problems });
      const { code } = form.fields;
      const enrolled = await enrolText(app, { ...idsOf(who), code, locale: words.locale }, source);
      if (enrolled.ok) return seeOther(ctx, afterDoing('two-step', 'text_added'));
      if (enrolled.reason === 'limited') return showCode(app, ctx, who, codePath, limited(ctx, enrolled));
      const problems = { code: `two-step.text.${enrolled.reason}` };
      return showCode(app, ctx, who, codePath, { problems });
    }),
  );
  return router;
}

type Shown = { problems?: Problems; number?: string | undefined; status?: number };

async function showNumber(
  ctx: RouterContext,
  { account }: SignedIn,
  { problems = {}, number, status = Object.keys(problems).length > 0 ? 400 : 200 }: Shown = {},
): Promise<void> {
  const proved = account.contacts.find(
    ({ channel, verifiedAt }) => channel === 'phone' && verifiedAt !== null,
  );
  await showAccountPage(ctx, {
    template: 'two-step-text',
    account,
    under: 'two-step',
    title: ctx.state.words.t('two-step.text.title'),
    status,
    view: {
      problems,
      number: number ?? proved?.written ?? '',
      action: places['two-step-text'],
      back: places['two-step'],
    },
  });
}

/** Who comes without a number that waits for its code begins with the number. */
async function showCode(
  app: App,
  ctx: RouterContext,
  who: SignedIn,
  action: string,
  { problems = {}, status = Object.keys(problems).length > 0 ? 400 : 200 }: Shown = {},
): Promise<void> {
  const waiting = await waitingNumber(app, idsOf(who));
  if (!waiting) return seeOther(ctx, places['two-step-text']);
  const { words } = ctx.state;
  await showAccountPage(ctx, {
    template: 'two-step-text-code',
    account: who.account,
    under: 'two-step',
    title: words.t('two-step.text.title'),
    status,
    view: {
      problems,
      number: waiting.written || lastDigits(waiting.address),
      action,
      other: places['two-step-text'],
    },
  });
}

function limited(ctx: RouterContext, { retryAfterSeconds }: { retryAfterSeconds: number }): Shown {
  ctx.set('Retry-After', String(retryAfterSeconds));
  const form: Sentence = {
    key: 'two-step.text.limited',
    values: { minutes: Math.ceil(retryAfterSeconds / 60) },
  };
  return { problems: { form }, status: 429 };
}

function idsOf({ account, session }: SignedIn) {
  return { accountId: account.id, sessionUid: session.uid };
}
