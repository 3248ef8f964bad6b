import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import {
  alarmAfterRefusal,
  approveSignIn,
  findApprovable,
  refuseSignIn,
} from '../../src/actions/approve-sign-in.ts';
import { notMePath } from '../../src/actions/notify-account.ts';
import { type Approval, listOpenApprovals } from '../../src/credentials/approvals.ts';
import type { App } from '../../src/services.ts';
import { codeField, type Problems, readForm } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { placeName } from '../place-name.ts';
import { browserName } from './browser-name.ts';
import { confirmAddress } from './confirm-address.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { type SignedIn, signedIn } from './signed-in.ts';
import { withAgo } from './with-time.ts';

const numberForm = z.object({
  number: codeField({ required: 'approvals.number.missing', wrong: 'approvals.number.digits' }),
});
const refusedPath = '/account/refused-sign-in';

/**
 * "Somebody is signing in": what waits for the owner's yes or no, on a device that is signed in. The number must be typed; there is
 * no button that says yes by itself (NIST SP 800-63B-4 section 3.1.3.1).
 */
export function approvalsPages(app: App): Router {
  const router = new Router();

  router.get(
    places.approvals,
    signedIn(app, 'approvals', async (ctx, { account }) => {
      const open = await listOpenApprovals(app, account.id);
      const [first] = open;
      if (first && open.length === 1) return seeOther(ctx, pathOf(first.id));
      const view = { approvals: open.map((one) => ({ ...asking(app, ctx, one), path: pathOf(one.id) })) };
      const title = ctx.state.words.t('approvals.title');
      await showAccountPage(ctx, { template: 'approvals', account, under: 'sessions', title, view });
    }),
  );

  router.get(
    refusedPath,
    signedIn(app, 'approvals', async (ctx, { account }) => {
      const title = ctx.state.words.t('approvals.refused.title');
      const why = ctx.query['why'] === 'number' ? ('number' as const) : ('person' as const);
      const view = { why, notMe: `${refusedPath}/not-me`, back: places.overview };
      await showAccountPage(ctx, { template: 'approval-refused', account, under: 'sessions', title, view });
    }),
  );

  router.post(
    `${refusedPath}/not-me`,
    signedIn(app, 'approvals', async (ctx, { account }) => {
      const link = await alarmAfterRefusal(app, { accountId: account.id });
      seeOther(ctx, `${notMePath}?${new URLSearchParams({ link })}`);
    }),
  );

  router.get(
    `${places.approvals}/:id`,
    signedIn(app, 'approvals', async (ctx, who) => {
      await show(app, ctx, who);
    }),
  );

  router.post(
    `${places.approvals}/:id`,
    signedIn(app, 'approvals', async (ctx, who) => {
      const form = await readForm(ctx, numberForm);
      // What is no number at all is a slip of the finger; only another number is a wrong answer.
      if (!form.ok) return await show(app, ctx, who, { problems: form.problems, status: 400 });
      const { number } = form.fields;
      const approved = await approveSignIn(app, { ...deciding(ctx, who), number }, ctx.state.source);
      if (approved.ok) return seeOther(ctx, afterDoing('overview', 'sign_in_approved'));
      if (approved.reason === 'proof_needed') return seeOther(ctx, confirmAddress('approvals', undefined));
      if (approved.reason === 'wrong_number') return seeOther(ctx, `${refusedPath}?why=number`);
      if (approved.reason === 'unknown') throw notFound();
      if (approved.reason !== 'limited')
        return await show(app, ctx, who, {
          problems: { form: `approvals.${approved.reason}` },
          status: 409,
        });
      ctx.set('Retry-After', String(approved.retryAfterSeconds));
      const minutes = Math.ceil(approved.retryAfterSeconds / 60);
      const problems = { form: { key: 'confirm.limited', values: { minutes } } };
      await show(app, ctx, who, { problems, status: 429 });
    }),
  );

  router.post(
    `${places.approvals}/:id/refuse`,
    signedIn(app, 'approvals', async (ctx, who) => {
      const done = await refuseSignIn(app, deciding(ctx, who), ctx.state.source);
      if (!done.ok) throw notFound();
      seeOther(ctx, refusedPath);
    }),
  );
  return router;
}

async function show(
  app: App,
  ctx: RouterContext,
  { account, session }: SignedIn,
  { problems = {}, status = 200 }: { problems?: Problems; status?: number } = {},
): Promise<void> {
  const id = ctx.params['id'] ?? '';
  const found = await findApprovable(app, { accountId: account.id, session, id });
  if (!found.ok && found.reason === 'proof_needed')
    return seeOther(ctx, confirmAddress('approvals', undefined));
  if (!found.ok && found.reason === 'unknown') throw notFound();
  const title = ctx.state.words.t('approvals.title');
  const view = {
    problems,
    asking: found.ok ? asking(app, ctx, found.approval) : undefined,
    action: pathOf(id),
    refuse: `${pathOf(id)}/refuse`,
  };
  const page = { template: 'approval', account, under: 'sessions', title, view } as const;
  await showAccountPage(ctx, { ...page, status: found.ok ? status : 409 });
}

/** Which app, where, on which browser and when: what the owner compares with what they are doing. */
function asking(app: App, ctx: RouterContext, { app: name, ip, userAgent, at }: Approval) {
  const { words } = ctx.state;
  const place = placeName(words, app.places.placeOf(ip));
  return {
    app: name ?? words.t('approvals.own_pages', { brand: app.settings.BRAND_NAME }),
    browser: browserName(words, userAgent),
    place: place ? words.t('approvals.place', { place, ip }) : ip,
    when: withAgo(words, 'approvals.when', at),
  };
}

function deciding(ctx: RouterContext, { account, session }: SignedIn) {
  return { accountId: account.id, session, id: ctx.params['id'] ?? '', locale: ctx.state.words.locale };
}

function pathOf(id: string): string {
  return `${places.approvals}/${encodeURIComponent(id)}`;
}
