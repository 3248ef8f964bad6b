import Router from '@koa/router';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { findPassword } from '../../src/credentials/password.ts';
import { listAsked } from '../../src/oidc/cross-device/asked.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { App } from '../../src/services.ts';
import { eventLines } from './activity.ts';
import { listAppsWithAccess } from './app-access.ts';
import { passkeySignals } from './passkey-signals.ts';
import { passwordIsOff } from './password-off.ts';
import { places } from './places.ts';
import { nameOf, showAccountPage } from './show-account-page.ts';
import { signedIn } from './signed-in.ts';
import { withAgo } from './with-time.ts';

/** What an account looks like at a glance, with a way on from each line. */
export function overviewPage(app: App): Router {
  const router = new Router();
  router.get(
    places.overview,
    signedIn(app, 'overview', async (ctx, { account }) => {
      const { words } = ctx.state;
      const [twoStep, passkeys, password, apps, sessions, [latest], waiting] = await Promise.all([
        twoStepOf(app, account.id),
        listPasskeys(app, account.id),
        findPassword(app, account.id),
        listAppsWithAccess(app, account.id),
        listSessions(app, account.id),
        eventLines(app, words, { accountId: account.id, limit: 1 }),
        listAsked(app, account.id),
      ]);
      await showAccountPage(ctx, {
        template: 'overview',
        account,
        under: 'overview',
        title: words.t('account.overview.title'),
        scripts: ['passkeys.js'],
        view: {
          name: nameOf(account),
          places,
          requests: waiting.length > 0 ? words.t('request.waiting', { count: waiting.length }) : undefined,
          contacts: account.contacts.map(({ channel, written, verifiedAt }) => ({
            label: words.t(`account.overview.${channel}`),
            icon: channel === 'email' ? 'mail' : 'phone',
            written,
            proved: verifiedAt !== null,
          })),
          twoStep: twoStep.on,
          onlyOne: twoStep.onlyOne,
          passkeyCount: passkeys.length,
          // People come here after signing in, so password managers hear of new names and removed keys here.
          signals: JSON.stringify(await passkeySignals(app, account, passkeys)),
          passwordOff: await passwordIsOff(app, account.id),
          password: password && withAgo(words, 'account.overview.password.changed', password.changedAt),
          appCount: apps.length,
          sessionCount: Math.max(sessions.length, 1),
          latest,
        },
      });
    }),
  );
  return router;
}
