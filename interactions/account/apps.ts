import Router from '@koa/router';
import { mostLogoBytes } from '../../clients/registry/logo.ts';
import { findLogos } from '../../clients/registry/logos.ts';
import { isUnverified } from '../../clients/registry/registration.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { isApiScope } from '../../src/consents/api-scopes.ts';
import { compatMarker, isAutomatic } from '../../src/consents/compat-scopes.ts';
import { askableScopes, scopes as everyScope } from '../../src/consents/scopes.ts';
import type { App } from '../../src/services.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Translator } from '../../src/web/words.ts';
import { apiScopeTitle, apisNamedIn, type KnownApis } from '../api-scopes.ts';
import { scopeTitle } from '../scope-words.ts';
import { type AppAccess, appHost, appName, findAppWithAccess, listAppsWithAccess } from './app-access.ts';
import { openApp } from './open-app.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { signedIn } from './signed-in.ts';
import { withAgo, withDate } from './with-time.ts';

/** The apps that may see something of the account, and how to take that back. */
export function appsPages(app: App): Router {
  const router = new Router();
  const removal = `${places.apps}/:clientId/remove`;

  router.get(
    places.apps,
    signedIn(app, 'apps', async (ctx, { account }) => {
      const { words } = ctx.state;
      const apps = await listAppsWithAccess(app, account.id);
      const logos = await logosToShow(app, apps);
      const apis = await apisNamedIn(
        app,
        apps.flatMap(({ consent }) => consent?.allowed ?? []),
      );
      const line = (access: AppAccess) => ({
        ...appLine(words, access, apis),
        logo: logos.get(access.client.clientId),
      });
      const view = { apps: apps.map(line) };
      await showAccountPage(ctx, {
        template: 'apps',
        account,
        under: 'apps',
        title: words.t('apps.title'),
        view,
      });
    }),
  );

  router.get(
    `${places.apps}/:clientId/open`,
    signedIn(app, 'apps', (ctx, { account }) =>
      openApp(app, ctx, { accountId: account.id, clientId: clientIdOf(ctx.params) }),
    ),
  );

  router.get(
    removal,
    signedIn(app, 'apps', async (ctx, { account }) => {
      const { words } = ctx.state;
      const access = await findAppWithAccess(app, {
        accountId: account.id,
        clientId: clientIdOf(ctx.params),
      });
      if (!access) throw notFound();
      const line = appLine(words, access, await apisNamedIn(app, access.consent?.allowed ?? []));
      const title = words.t('apps.confirm.title', { app: line.name });
      const view = { app: line, back: places.apps };
      await showAccountPage(ctx, { template: 'app-remove', account, under: 'apps', title, view });
    }),
  );

  router.post(
    removal,
    signedIn(app, 'apps', async (ctx, { account }) => {
      const pair = { accountId: account.id, clientId: clientIdOf(ctx.params) };
      // Somebody else's app, and one removed a moment ago in another tab, are told apart from no app by nothing.
      if (!(await findAppWithAccess(app, pair))) throw notFound();
      const { source, words } = ctx.state;
      await withdrawConsent(app, { ...pair, locale: words.locale }, source);
      seeOther(ctx, afterDoing('apps', 'app_removed'));
    }),
  );
  return router;
}

/**
 * The first apps by their logos, the others by their initials: a page stays under 60 kB however many apps are on it, so
 * all logos together weigh no more than one may.
 */
async function logosToShow(app: App, apps: readonly AppAccess[]): Promise<Map<string, string>> {
  const ids = apps.map(({ client }) => client.clientId);
  const logos = await findLogos(app, ids);
  const shown = new Map<string, string>();
  let room = mostLogoBytes;
  for (const id of ids) {
    const logo = logos.get(id);
    if (!logo || logo.size > room) continue;
    room -= logo.size;
    shown.set(id, logo.dataUri);
  }
  return shown;
}

function clientIdOf(params: Record<string, string | undefined>): string {
  return params['clientId'] ?? '';
}

function appLine(words: Translator, { client, consent }: AppAccess, apis: KnownApis) {
  // Of our own apps nobody was asked: they may see whatever they may ask for (RFC 7591 section 2, scope).
  const scopes = askableScopes(
    consent?.allowed ?? client.metadata.scope?.split(' ') ?? Object.keys(everyScope),
    { compatible: client.metadata.login_with_amazon },
  );
  const unsaid = (scope: string) => scope === 'openid' || scope === 'offline_access' || isAutomatic(scope);
  const sees = scopes.filter((scope) => !unsaid(scope));
  return {
    name: appName(client, words.locale),
    host: appHost(client),
    ours: client.metadata.first_party,
    sees: [
      ...sees.map((scope) => scopeTitle(words, client, scope)),
      ...(consent?.allowed ?? []).filter(isApiScope).map((scope) => apiScopeTitle(words, apis, scope)),
    ],
    offline: scopes.includes('offline_access') || scopes.includes(compatMarker),
    since: consent && withDate(words, 'apps.since', consent.firstAllowedAt),
    used: consent && withAgo(words, 'apps.used', consent.lastUsedAt),
    removal: `${places.apps}/${encodeURIComponent(client.clientId)}/remove`,
    unverified: isUnverified(client),
    opens: client.metadata.initiate_login_uri && `${places.apps}/${encodeURIComponent(client.clientId)}/open`,
  };
}
