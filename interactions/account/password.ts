import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { type ChangeRefusal, changePassword } from '../../src/actions/change-password.ts';
import { wellKnown } from '../../src/actions/create-account.ts';
import { judgePassword } from '../../src/credentials/strength.ts';
import { takeFromLimits } from '../../src/limits/limits.ts';
import type { App } from '../../src/services.ts';
import { type Problems, passwordField, readForm } from '../../src/web/form.ts';
import { Problem } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Sentence } from '../../src/web/words.ts';
import { passwordIsOff } from './password-off.ts';
import { places } from './places.ts';
import { afterDoing, nameOf, showAccountPage } from './show-account-page.ts';
import { provedLately, type SignedIn, signedIn } from './signed-in.ts';

const passwordForm = z.object({
  password: passwordField({ required: 'password.missing_current' }),
  new_password: passwordField({ required: 'password.missing_next' }),
});
const strengthForm = z.object({ password: passwordField() });

/** Changing the password: the old one is asked, and everybody else is signed out. */
export function passwordPage(app: App): Router {
  const router = new Router();

  router.get(
    places.password,
    provedLately(app, 'password', (ctx, who) => show(app, ctx, who, {})),
  );

  router.post(
    places.password,
    provedLately(app, 'password', async (ctx, who) => {
      const { source, words } = ctx.state;
      const form = await readForm(ctx, passwordForm);
      if (!form.ok) return show(app, ctx, who, form.problems);
      const { password: current, new_password: next } = form.fields;
      const { account, session } = who;
      const change = { accountId: account.id, sessionUid: session.uid, current, next, locale: words.locale };
      const changed = await changePassword(app, change, source);
      if (changed.ok) return seeOther(ctx, afterDoing('overview', 'password_changed'));
      return show(app, ctx, who, problemsOf(app, changed));
    }),
  );

  // What the meter beside the field shows, where scripts run. Judged here, because here it will be judged.
  router.post(
    `${places.password}/strength`,
    signedIn(app, 'password', async (ctx, { account }) => {
      const { words, source } = ctx.state;
      const room = await takeFromLimits(app, [{ limit: 'strength_by_address', key: source.ip }]);
      if (!room.ok)
        throw new Problem({ status: 429, code: 'too_many_requests', retryAfter: room.retryAfterSeconds });
      const form = await readForm(ctx, strengthForm);
      const password = form.ok ? form.fields.password : '';
      const { score, reasons } = judgePassword(password, [...wellKnown(account), app.settings.BRAND_NAME]);
      const advice = reasons.map((reason) => words.t(reason)).join(' ');
      ctx.set('Cache-Control', 'no-store');
      ctx.body = { score, text: [words.t(`strength.score_${score}`), advice].filter(Boolean).join(' · ') };
    }),
  );
  return router;
}

async function show(app: App, ctx: RouterContext, { account }: SignedIn, problems: Problems): Promise<void> {
  const { words } = ctx.state;
  await showAccountPage(ctx, {
    template: 'password',
    account,
    under: 'password',
    title: words.t('password.title'),
    status: Object.keys(problems).length > 0 ? 400 : 200,
    view: {
      problems,
      off: await passwordIsOff(app, account.id),
      action: places.password,
      strength: `${places.password}/strength`,
      minimum: app.settings.PASSWORD_MIN_LENGTH,
      // For password managers, so that they know which entry to renew.
      username: account.contacts[0]?.written ?? nameOf(account),
    },
  });
}

type Refusal = { reason: ChangeRefusal } | { reason: 'limited'; retryAfterSeconds: number };

function problemsOf({ settings }: App, refusal: Refusal): Problems {
  if (refusal.reason === 'unknown_account') throw new Error('an account went away under its own session');
  if (refusal.reason === 'wrong_password') return { password: 'password.wrong_password' };
  if (refusal.reason === 'password_off') return { form: 'password.off' };
  if (refusal.reason === 'limited') {
    const minutes = Math.ceil(refusal.retryAfterSeconds / 60);
    return { form: { key: 'password.limited', values: { minutes } } };
  }
  const sentence: Sentence = {
    key: `password.${refusal.reason}`,
    values: refusal.reason === 'too_short' ? { min: settings.PASSWORD_MIN_LENGTH } : {},
  };
  return { new_password: sentence };
}
