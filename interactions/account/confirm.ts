import Router, { type RouterContext } from '@koa/router';
import {
  type Asking,
  type Confirming,
  chooseConfirmation,
  confirmIdentity,
  currentConfirmation,
} from '../../src/actions/confirm-identity.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import type { App } from '../../src/services.ts';
import { type Problems, readForm, textField } from '../../src/web/form.ts';
import { seeOther } from '../../src/web/see-other.ts';
import {
  addressOf,
  confirmLink,
  type Destination,
  destinationForm,
  destinationIn,
  hiddenFields,
} from './confirm-address.ts';
import { type Ask, askFor, formOf, wrongOf } from './confirm-ask.ts';
import { confirmLine } from './confirm-line.ts';
import { showAccountPage } from './show-account-page.ts';
import { type SignedIn, signedIn } from './signed-in.ts';

const choiceForm = destinationForm.extend({ method: textField({ most: 100 }) });

/**
 * The fresh proof that sensitive changes ask for (src/actions/fresh-proof.ts): the strongest method first, the others a click
 * away. Who is not signed in never comes here; where there is nothing to ask for, the page says so.
 */
export function confirmPages(app: App): Router {
  const router = new Router();

  router.get(
    '/account/confirm',
    signedIn(app, 'overview', async (ctx, who) => {
      const asking = await currentConfirmation(app, confirming(ctx, who));
      if (!asking.ok) return await showNothing(ctx, who);
      await show(app, ctx, who, { asking, to: destinationIn(ctx.query) });
    }),
  );

  router.post(
    '/account/confirm',
    signedIn(app, 'overview', async (ctx, who) => {
      const asking = await currentConfirmation(app, confirming(ctx, who));
      if (!asking.ok) return await showNothing(ctx, who);
      const form = await readForm(ctx, formOf(asking).extend(destinationForm.shape));
      const to = destinationIn(form.ok ? form.fields : form.typed);
      const again = (problems: Problems, status: number) =>
        show(app, ctx, who, { asking, to, problems, status });
      if (!form.ok) return await again(form.problems, 400);
      const answer = form.fields as Record<string, string>;
      const confirmed = await confirmIdentity(app, confirming(ctx, who), answer);
      if (confirmed.ok) return seeOther(ctx, addressOf(to));
      // Who guesses in an open browser is asked for everything, from the beginning.
      if (confirmed.reason === 'used_up')
        return seeOther(ctx, signInAddress(app, { page: to.to, fresh: true }));
      if (confirmed.reason !== 'limited') return await again(wrongOf(asking, confirmed.reason), 400);
      ctx.set('Retry-After', String(confirmed.retryAfterSeconds));
      const minutes = Math.ceil(confirmed.retryAfterSeconds / 60);
      return await again({ form: { key: 'confirm.limited', values: { minutes } } }, 429);
    }),
  );

  router.get(
    '/account/confirm/methods',
    signedIn(app, 'overview', async (ctx, who) => {
      const asking = await currentConfirmation(app, confirming(ctx, who));
      if (!asking.ok) return await showNothing(ctx, who);
      const { words } = ctx.state;
      const to = destinationIn(ctx.query);
      const view = {
        methods: asking.methods.map((method) => confirmLine(words, method)),
        action: '/account/confirm/method',
        hidden: hiddenFields(to),
        back: confirmLink('', to),
      };
      const title = words.t('second-step.methods.title');
      const { account } = who;
      await showAccountPage(ctx, { template: 'confirm-methods', account, under: 'overview', title, view });
    }),
  );

  router.post(
    '/account/confirm/method',
    signedIn(app, 'overview', async (ctx, who) => {
      const form = await readForm(ctx, choiceForm);
      if (form.ok) await chooseConfirmation(app, confirming(ctx, who), form.fields.method);
      seeOther(ctx, confirmLink('', destinationIn(form.ok ? form.fields : {})));
    }),
  );
  return router;
}

function confirming(ctx: RouterContext, { account, session }: SignedIn): Confirming {
  const { source, words } = ctx.state;
  return { accountId: account.id, sessionUid: session.uid, locale: words.locale, from: source };
}

async function show(
  app: App,
  ctx: RouterContext,
  { account }: SignedIn,
  {
    asking,
    to,
    problems = {},
    status = 200,
  }: { asking: Asking; to: Destination; problems?: Problems; status?: number },
): Promise<void> {
  const { words } = ctx.state;
  const ask: Ask = askFor(words, { asking, problems, brand: app.settings.BRAND_NAME });
  const trouble: Problems = asking.trouble ? { form: `second-step.trouble.${asking.trouble}` } : {};
  await showAccountPage(ctx, {
    template: 'confirm',
    account,
    under: 'overview',
    title: words.t('confirm.title'),
    status,
    scripts: ask.scripts,
    view: {
      ...ask.view,
      problems: { ...trouble, ...problems },
      action: '/account/confirm',
      choose: '/account/confirm/method',
      hidden: hiddenFields(to),
      others: asking.methods.length > 1 ? confirmLink('/methods', to) : undefined,
    },
  });
}

async function showNothing(ctx: RouterContext, { account }: SignedIn): Promise<void> {
  const title = ctx.state.words.t('confirm.nothing.title');
  await showAccountPage(ctx, {
    template: 'confirm-nothing',
    account,
    under: 'overview',
    title,
    status: 403,
    errorCode: 'nothing_to_confirm_with',
    view: {},
  });
}
