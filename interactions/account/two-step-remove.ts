import Router, { type RouterContext } from '@koa/router';
import { removeSecondStep } from '../../src/actions/remove-second-step.ts';
import { kindNamed, type SecondStepMethod } from '../../src/actions/second-step-kinds.ts';
import { methodName, methodNamed, twoStepOf } from '../../src/actions/second-step-methods.ts';
import type { App } from '../../src/services.ts';
import type { Problems } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { secondStepPart } from '../second-step/kinds.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn } from './signed-in.ts';

/** Taking a method off: what that does, above all when it is the last. Turning it all off goes to a verb of its own. */
export function twoStepRemovePages(app: App): Router {
  const router = new Router();

  router.get(
    places['two-step-remove'],
    provedLately(app, 'two-step-remove', (ctx, who) => showRemoval(app, ctx, who)),
  );

  router.post(
    places['two-step-remove'],
    provedLately(app, 'two-step-remove', async (ctx, who) => {
      const { words, source } = ctx.state;
      const { method } = await asked(app, ctx, who);
      const { account, session } = who;
      const removal = { accountId: account.id, sessionUid: session.uid, kind: method.kind, id: method.id };
      const removed = await removeSecondStep(app, { ...removal, locale: words.locale }, source);
      if (removed.ok) return seeOther(ctx, afterDoing('two-step', 'method_removed'));
      if (removed.reason === 'unknown') throw notFound();
      // Another request removed the other one meanwhile.
      return showRemoval(app, ctx, who, { form: 'two-step.last' });
    }),
  );
  return router;
}

/** The method that the address names, among those of the account that are removed here. */
async function asked(
  app: App,
  ctx: RouterContext,
  { account }: SignedIn,
): Promise<{ method: SecondStepMethod; last: boolean }> {
  const { on, methods } = await twoStepOf(app, account.id);
  const named = ctx.query['method'];
  const method = methodNamed(methods, typeof named === 'string' ? named : undefined);
  if (!method || !kindNamed(method.kind).standsAlone || secondStepPart(method.kind).manage) throw notFound();
  const others = methods.filter((one) => one !== method && kindNamed(one.kind).standsAlone);
  return { method, last: on && others.length === 0 };
}

async function showRemoval(
  app: App,
  ctx: RouterContext,
  who: SignedIn,
  problems: Problems = {},
): Promise<void> {
  const { method, last } = await asked(app, ctx, who);
  const { words } = ctx.state;
  const query = new URLSearchParams({ method: methodName(method) });
  await showAccountPage(ctx, {
    template: 'two-step-remove',
    account: who.account,
    under: 'two-step',
    title: words.t('two-step.confirm.title', { name: method.name }),
    status: Object.keys(problems).length > 0 ? 409 : 200,
    view: {
      problems,
      last,
      action: last ? places['two-step-off'] : `${places['two-step-remove']}?${query}`,
      back: places['two-step'],
    },
  });
}
