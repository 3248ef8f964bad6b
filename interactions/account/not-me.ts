import path from 'node:path';
import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { notMePath } from '../../src/actions/notify-account.ts';
import { raiseAlarm, readAlarm } from '../../src/actions/raise-alarm.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import { forgetSessionCookie } from '../../src/oidc/sessions.ts';
import type { App } from '../../src/services.ts';
import { optionalTextField, readForm } from '../../src/web/form.ts';
import { showPage } from '../../src/web/page.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { withDate } from './with-time.ts';

const template = path.join(import.meta.dirname, 'not-me.ejs');
const overTemplate = path.join(import.meta.dirname, 'not-me-over.ejs');
const alarmForm = z.object({ link: optionalTextField({ most: 100 }) });
const recoverPath = `${notMePath}/recover`;

/**
 * "It wasn't me", from the link of a notice; nobody needs to be signed in. Opening it changes nothing, or the programs that
 * open links before people do would shut accounts: the button does.
 */
export function notMePages(app: App): Router {
  const router = new Router();

  router.get(notMePath, async (ctx) => {
    const { link } = ctx.query;
    const secret = typeof link === 'string' ? link : '';
    const found = await readAlarm(app, secret);
    if (!found.ok) return await showOver(ctx, found.reason);
    const { words } = ctx.state;
    const { about, createdAt } = found.alarm;
    const view = {
      lead: withDate(words, 'not-me.lead', createdAt),
      about: words.t(known(about)),
      action: notMePath,
      secret,
    };
    await showPage(ctx, { template, title: words.t('not-me.title'), view, staysHere: true });
  });

  router.post(notMePath, async (ctx) => {
    const form = await readForm(ctx, alarmForm);
    const secret = form.ok ? form.fields.link : '';
    const { words, source } = ctx.state;
    const raised = await raiseAlarm(app, { secret, locale: words.locale }, source);
    if (!raised.ok) return await showOver(ctx, raised.reason);
    // Should this be the browser that it was about, it is out as well.
    forgetSessionCookie(app, ctx);
    seeOther(ctx, `${notMePath}/done`);
  });

  router.get(`${notMePath}/done`, (ctx) => showOver(ctx, 'done'));

  // To the page that asks where to send a code, whoever is signed in here.
  router.get(recoverPath, (ctx) => seeOther(ctx, signInAddress(app, { page: 'recover', fresh: true })));
  return router;
}

async function showOver(ctx: RouterContext, what: 'done' | 'unknown' | 'already_raised'): Promise<void> {
  const { words } = ctx.state;
  await showPage(ctx, {
    template: overTemplate,
    title: words.t(`not-me.${what}.title`),
    view: { text: words.t(`not-me.${what}.text`), recover: recoverPath },
    status: what === 'done' ? 200 : 410,
    ...(what === 'done' ? {} : { errorCode: 'link_is_over' }),
    staysHere: true,
  });
}

/** What the notice told; of those that came later than this list, only that it was something. */
const told = [
  'password_changed',
  'password_reset',
  'second_step_added',
  'second_step_removed',
  'second_step_guessed',
  'text_step_added',
  'text_step_removed',
  'two_step_off',
  'two_step_on',
  'second_step_preferred',
  'backup_codes_made',
  'backup_code_used',
  'trusted_device_added',
  'trusted_device_removed',
  'approvals_on',
  'approvals_off',
  'approval_given',
  'approval_refused',
  'passkey_added',
  'passkey_removed',
  'passkey_copied',
  'signed_in_new_browser',
];

function known(about: string): string {
  return `not-me.about.${told.includes(about) ? about : 'other'}`;
}
