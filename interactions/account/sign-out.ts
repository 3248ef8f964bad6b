import path from 'node:path';
import Router from '@koa/router';
import { signOut } from '../../src/actions/sign-out.ts';
import { forgetSessionCookie, leavingSession } from '../../src/oidc/sessions.ts';
import type { App } from '../../src/services.ts';
import { showPage } from '../../src/web/page.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { places } from './places.ts';

const template = path.join(import.meta.dirname, 'signed-out.ejs');

/** Leaving. Only by POST, or any page could sign people out with a picture. */
export function signOutPages(app: App): Router {
  const router = new Router();
  router.post('/account/sign-out', async (ctx) => {
    const session = await leavingSession(app, ctx);
    if (session) await signOut(app, session, ctx.state.source);
    forgetSessionCookie(app, ctx);
    seeOther(ctx, '/account/signed-out');
  });
  router.get('/account/signed-out', async (ctx) => {
    const title = ctx.state.words.t('account.signed_out.title');
    await showPage(ctx, { template, title, view: { again: places.overview }, staysHere: true });
  });
  return router;
}
