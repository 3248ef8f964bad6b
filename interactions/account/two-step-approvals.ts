import Router from '@koa/router';
import { z } from 'zod';
import { turnOffApprovals, turnOnApprovals } from '../../src/actions/turn-on-approvals.ts';
import { findTwoStep } from '../../src/credentials/two-step.ts';
import type { App } from '../../src/services.ts';
import { readForm } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately } from './signed-in.ts';

const choiceForm = z.object({ approvals: z.enum(['on', 'off']) });

/** Whether sign-ins may be approved on another device that is signed in. */
export function twoStepApprovalsPages(app: App): Router {
  const router = new Router();
  const path = places['two-step-approvals'];

  router.get(
    path,
    provedLately(app, 'two-step-approvals', async (ctx, { account }) => {
      if (!app.settings.APPROVALS) throw notFound();
      const { approvalsAt } = await findTwoStep(app, account.id);
      const view = { on: approvalsAt !== null, action: path, back: places['two-step'] };
      const title = ctx.state.words.t('second-step.kind.approval');
      await showAccountPage(ctx, { template: 'two-step-approvals', account, under: 'two-step', title, view });
    }),
  );

  router.post(
    path,
    provedLately(app, 'two-step-approvals', async (ctx, { account, session }) => {
      const form = await readForm(ctx, choiceForm);
      if (!form.ok) return seeOther(ctx, path);
      const { words, source } = ctx.state;
      const who = { accountId: account.id, sessionUid: session.uid, locale: words.locale };
      if (form.fields.approvals === 'off') {
        await turnOffApprovals(app, who, source);
        return seeOther(ctx, afterDoing('two-step', 'approvals_off'));
      }
      const turnedOn = await turnOnApprovals(app, who, source);
      if (!turnedOn.ok) throw notFound();
      seeOther(ctx, afterDoing('two-step', 'approvals_on'));
    }),
  );
  return router;
}
