import Router from '@koa/router';
import { endOtherSessions } from '../../src/actions/end-other-sessions.ts';
import { endSession } from '../../src/actions/end-session.ts';
import { listSessions, type SessionSummary } from '../../src/oidc/sessions.ts';
import type { App } from '../../src/services.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Translator } from '../../src/web/words.ts';
import { browserName } from './browser-name.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, signedIn } from './signed-in.ts';
import { withAgo, withDate } from './with-time.ts';

/**
 * The browsers in which the account is signed in. A session is named by its uid, which finds it and lets nobody in: the
 * cookie carries a secret besides.
 */
export function sessionsPages(app: App): Router {
  const router = new Router();

  router.get(
    places.sessions,
    signedIn(app, 'sessions', async (ctx, { account, session }) => {
      const { words } = ctx.state;
      const sessions = await listSessions(app, account.id);
      const [mine, others] = [true, false].map((wanted) =>
        sessions.filter(({ uid }) => (uid === session.uid) === wanted).map((one) => sessionLine(words, one)),
      );
      const view = { mine, others, endOthers: places['sessions-others'], signOut: '/account/sign-out' };
      const title = words.t('sessions.title');
      await showAccountPage(ctx, { template: 'sessions', account, under: 'sessions', title, view });
    }),
  );

  router.post(
    `${places.sessions}/:uid/end`,
    signedIn(app, 'sessions', async (ctx, { account, session }) => {
      const uid = ctx.params['uid'] ?? '';
      // This one is ended by signing out, which also makes the browser forget it.
      if (uid === session.uid) throw notFound();
      const ended = await endSession(app, { accountId: account.id, uid }, ctx.state.source);
      if (!ended.ok) throw notFound();
      seeOther(ctx, afterDoing('sessions', 'session_ended'));
    }),
  );

  router.get(
    places['sessions-others'],
    provedLately(app, 'sessions-others', async (ctx, { account }) => {
      const title = ctx.state.words.t('sessions.confirm.title');
      const view = { action: places['sessions-others'], back: places.sessions };
      await showAccountPage(ctx, { template: 'sessions-others', account, under: 'sessions', title, view });
    }),
  );

  router.post(
    places['sessions-others'],
    provedLately(app, 'sessions-others', async (ctx, { account, session }) => {
      await endOtherSessions(app, { accountId: account.id, except: session.uid }, ctx.state.source);
      seeOther(ctx, afterDoing('sessions', 'sessions_ended'));
    }),
  );
  return router;
}

function sessionLine(words: Translator, { uid, userAgent, ip, startedAt, lastSeenAt }: SessionSummary) {
  const browser = browserName(words, userAgent);
  return {
    browser,
    ip: ip && words.t('sessions.ip', { ip }),
    started: withDate(words, 'sessions.started', startedAt),
    seen: withAgo(words, 'sessions.seen', lastSeenAt),
    end: `${places.sessions}/${uid}/end`,
    endLabel: words.t('sessions.end_named', { browser, date: words.date(startedAt) }),
  };
}
