import path from 'node:path';
import type { Context } from 'koa';
import { findClient } from '../clients/registry/registry.ts';
import type { Services } from '../src/services.ts';
import { showPage } from '../src/web/page.ts';
import { referenceOf } from '../src/web/problem.ts';
import { sourceOf } from '../src/web/request-state.ts';
import { appName } from './account/app-access.ts';
import { mistakeIn, publicOnes, spelledOut } from './redirect-mistakes.ts';

/**
 * The slip that developers make most often: a redirect URI that is not the registered one to the letter. The person learns
 * that nothing is wrong with their account, the developer what was sent, what is registered and how the two differ
 * (docs/decisions/0028: why that may be shown).
 */
const template = path.join(import.meta.dirname, 'wrong-redirect.ejs');
const code = 'invalid_redirect_uri';

export async function showWrongRedirect(
  { db, log, settings }: Pick<Services, 'db' | 'log' | 'settings'>,
  ctx: Context,
  { clientId, sent }: { clientId: string; sent: string | undefined },
): Promise<void> {
  const { requestId, ip } = sourceOf(ctx);
  const reference = referenceOf(requestId);
  log.info({ requestId, reference, ip, clientId, problem: code, status: 400 }, 'a request was refused');
  ctx.status = 400;
  ctx.set('Cache-Control', 'no-store');
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.body = { error: code, reference };
    return;
  }
  const { words } = ctx.state;
  const client = await findClient({ db }, clientId);
  const registered = client?.metadata.redirect_uris ?? [];
  const { shown, hidden } = publicOnes(registered, sent);
  const app = client ? appName(client, words.locale) : settings.BRAND_NAME;
  const view = {
    app,
    sent: sent === undefined ? undefined : spelledOut(sent),
    shown: shown.map(spelledOut),
    more: hidden > 0 ? words.t('wrong-redirect.more', { count: hidden }) : undefined,
    mistake: words.t(`wrong-redirect.mistake.${mistakeIn(sent, registered)}`),
    command: `latchkey apps update ${clientId} --redirect-uris https://...`,
    reference,
  };
  const title = words.t('wrong-redirect.title', { app });
  await showPage(ctx, { template, title, view, status: 400, errorCode: code, staysHere: true });
}
