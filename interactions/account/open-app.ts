import type { Context } from 'koa';
import { isUnverified } from '../../clients/registry/registration.ts';
import { type Client, findClient } from '../../clients/registry/registry.ts';
import type { App } from '../../src/services.ts';
import { notFound } from '../../src/web/problem.ts';
import { findAppWithAccess } from './app-access.ts';

/**
 * Starts a sign-in from our side (OpenID Connect Core section 4): the person is sent to where the app registered that it
 * wants to be told so, and the app then asks as it always does. Everything in the address was registered and nothing of
 * it comes from the request. An app that nobody looked at is opened only by who uses it, or our name would lead to it.
 */
export async function openApp(
  app: App,
  ctx: Context,
  pair: { accountId: string; clientId: string },
): Promise<void> {
  const client = await findClient(app, pair.clientId);
  const usable = client?.metadata.initiate_login_uri !== undefined && client.disabledAt === undefined;
  if (!usable || (mayNotBeLedTo(app, client) && !(await findAppWithAccess(app, pair)))) throw notFound();
  ctx.status = 303;
  ctx.set('Location', startOf(client, app.settings.issuer.origin));
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
}

/** The conformance suite registers an app and is called at once, before anybody used it (docs/conformance.md). */
function mayNotBeLedTo({ settings }: Pick<App, 'settings'>, client: Client): boolean {
  return isUnverified(client) && !settings.conformance;
}

function startOf({ metadata }: Client, issuer: string): string {
  const start = new URL(metadata.initiate_login_uri ?? '');
  start.searchParams.set('iss', issuer);
  // The app must refuse to lead to anybody else's page; so its own is all it is told.
  const page = metadata.client_uri;
  if (page && new URL(page).origin === start.origin) start.searchParams.set('target_link_uri', page);
  return start.href;
}
