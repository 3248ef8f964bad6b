import type { RequestListener } from 'node:http';
import Koa, { type Middleware } from 'koa';
import { registrationRoutes } from '../clients/registration/registration.ts';
import { accountPages } from '../interactions/account/index.ts';
import { devicePages } from '../interactions/device.ts';
import { showHandOver } from '../interactions/hand-over.ts';
import { interactionPages } from '../interactions/index.ts';
import { outboxPages } from '../interactions/outbox.ts';
import { passkeyWellKnown } from '../interactions/passkey-well-known.ts';
import { regionRoutes } from '../interactions/regions.ts';
import { look } from '../interactions/shared/look.ts';
import { showSignedOut, showSignOut } from '../interactions/sign-out.ts';
import { showWrongRedirect } from '../interactions/wrong-redirect.ts';
import { type DocumentApps, openDocumentApps } from './actions/bring-document-app.ts';
import { notifyAccount } from './actions/notify-account.ts';
import { flushAudit } from './audit/append.ts';
import { postedRequests } from './oidc/answers/posted-request.ts';
import { isForApps, openAppDoor } from './oidc/app-door.ts';
import { browserCookies } from './oidc/browser-cookies.ts';
import { startPingDelivery } from './oidc/ciba/pings.ts';
import { compatAuthorize } from './oidc/compat/authorize.ts';
import { isForCompat, openCompatDoor } from './oidc/compat/door.ts';
import { openCookieKeys } from './oidc/cookie-keys.ts';
import { openAuthorizeWay } from './oidc/direct/authorize-way.ts';
import { openDirectWay } from './oidc/direct/direct.ts';
import { openEndpointLimits } from './oidc/endpoint-limits.ts';
import { openEngine } from './oidc/engine.ts';
import { pinToIssuer } from './oidc/provider.ts';
import { providerMethods } from './oidc/provider-methods.ts';
import { userinfoMetadata } from './oidc/resources/userinfo-metadata.ts';
import { startNoticeDelivery } from './oidc/sign-out/deliver-notices.ts';
import type { EngineViews } from './oidc/views.ts';
import type { App, Services } from './services.ts';
import type { EarlyAnswers } from './web/early-answers.ts';
import { health } from './web/health.ts';
import { host } from './web/host.ts';
import { measured } from './web/measured.ts';
import { openPages, withPages } from './web/page.ts';
import { Problem, problems, showProblem } from './web/problem.ts';
import { requestSource } from './web/request-source.ts';
import { sameOrigin } from './web/same-origin.ts';
import { securityHeaders } from './web/security-headers.ts';

/** The whole server, without a port. `drain` turns readiness off; `stop` ends what it does by itself. */
export type Server = {
  answer: RequestListener;
  /** What is answered before a request is even parsed. */
  early: EarlyAnswers;
  app: App;
  drain(): void;
  stop(): Promise<void>;
};

/** The table of contents: the middleware in order, then each surface, then the engine. */
export async function openApp(services: Services): Promise<Server> {
  const { settings, log } = services;
  const cookieKeys = openCookieKeys(settings.COOKIE_KEYS ?? []);
  const pages = openPages({ settings }, look);
  const documentApps = openDocumentApps(services);
  const views = engineViews(services, documentApps);
  const engine = await openEngine(services, { cookieKeys, views, bringApp: documentApps?.bring });
  const app: App = {
    ...services,
    get provider() {
      return engine.provider;
    },
  };
  const notices = startNoticeDelivery(app);
  const pings = startPingDelivery(app);
  const limits = openEndpointLimits(services);
  let draining = false;

  const koa = new Koa();
  koa.keys = cookieKeys as unknown as string[];
  koa.silent = true;
  pinToIssuer(koa, services);

  koa.use(measured(services));
  koa.use(requestSource(services));
  koa.use(securityHeaders(services));
  koa.use(withPages(pages));
  koa.use(problems({ log }));
  koa.use(health({ ...services, draining: () => draining }));
  koa.use(host(services));
  koa.use(compatAuthorize(app, { views }));
  koa.use(pages.assets.middleware);
  koa.use(withBrowserCookies(services));

  koa.use(onOurPages(sameOrigin(services)));
  for (const router of [
    interactionPages(app),
    accountPages(app),
    devicePages(app),
    outboxPages(app),
    passkeyWellKnown(app),
    regionRoutes(app),
    registrationRoutes(app),
  ]) {
    koa.use(notForTheEngine(router.routes() as Middleware));
    koa.use(notForTheEngine(router.allowedMethods() as Middleware));
  }

  koa.use(userinfoMetadata(services));
  koa.use(limits.middleware);
  koa.use(postedRequests());
  koa.use(engine.middleware);
  koa.use(providerMethods());

  const pagesAndEngine = koa.callback();
  const appDoor = openAppDoor(services, { engine: engine.middleware, pages, limits });
  const direct = openDirectWay(services, { parts: engine.direct, limits, otherwise: appDoor });
  const authorizations = openAuthorizeWay(services, { parts: engine.direct, otherwise: pagesAndEngine });

  const compat = openCompatDoor(services, { parts: () => ({ services, ...engine.direct() }), limits });

  return {
    answer(req, res) {
      if (engine.documents.answer(req, res)) return;
      if (direct.takes(req)) direct.answer(req, res);
      else if (authorizations.takes(req)) authorizations.answer(req, res);
      else if (isForApps(req)) appDoor(req, res);
      else if (isForCompat(req)) compat(req, res);
      else pagesAndEngine(req, res);
    },
    early: engine.documents,
    app,
    drain() {
      draining = true;
    },
    async stop() {
      await engine.stop();
      await pings.stop();
      await notices.stop();
      await flushAudit(services);
    },
  };
}

/**
 * The engine's endpoints are called by apps from anywhere; ours are forms that only our own pages may send, in whatever
 * letter case their path is written: the router knows none.
 */
function onOurPages(check: Middleware): Middleware {
  return (ctx, next) =>
    /^\/(interaction|account|dev|device(?!\/authorize))(\/|$)/i.test(ctx.path) ? check(ctx, next) : next();
}

/** What apps send people to, more often than all pages together, is looked for in no table of pages. */
function notForTheEngine(router: Middleware): Middleware {
  return (ctx, next) => (ctx.path === '/authorize' ? next() : router(ctx, next));
}

function withBrowserCookies({ settings }: Pick<Services, 'settings'>): Middleware {
  return (ctx, next) => {
    ctx.cookies = browserCookies(ctx.cookies, {
      path: ctx.path,
      cookieHeader: ctx.get('cookie'),
      https: settings.issuer.https,
    });
    return next();
  };
}

function engineViews(services: Services, documentApps: DocumentApps | undefined): EngineViews {
  return {
    showSignOut: (ctx, question) => showSignOut(services, ctx, question),
    showSignedOut: (ctx) => showSignedOut(ctx),
    showHandOver: (ctx, form) => showHandOver(ctx, form),
    showWrongRedirect: (ctx, request) => showWrongRedirect(services, ctx, request),
    showRefusal: (ctx, { status, error, description: said }) => {
      // The engine's words, which name neither the member nor what to do.
      const description = said === 'client is invalid' ? noApp(ctx.query['client_id'], documentApps) : said;
      return showProblem(services, ctx, refusal({ status, error, description }));
    },
    tellOfRequest: ({ accountId, clientName }) =>
      notifyAccount(services, { accountId, template: 'ciba_asked', values: { app: clientName } }),
    tellOfReuse: ({ accountId, clientName }) =>
      notifyAccount(services, { accountId, template: 'refresh_token_reuse', values: { app: clientName } }),
    tellOfOddUse: ({ accountId, clientName }) =>
      notifyAccount(services, { accountId, template: 'refresh_token_odd', values: { app: clientName } }),
  };
}

function noApp(clientId: unknown, documentApps: DocumentApps | undefined): string {
  const problem = documentApps?.problemOf(String(clientId));
  return problem
    ? `client_id is an address, and its document ${problem}`
    : 'client_id is of no app here. It is unknown, or disabled.';
}

function refusal({
  status,
  error,
  description,
}: {
  status: number;
  error: string;
  description: string | undefined;
}) {
  if (status >= 500)
    return new Problem({
      status: status === 503 ? 503 : 500,
      code: status === 503 ? 'unavailable' : 'internal',
      retryAfter: 2,
    });
  const messageKey =
    error === 'invalid_request' && description?.includes('expired')
      ? 'problem.interaction_expired'
      : 'problem.app_request';
  return new Problem({
    status,
    code: error,
    messageKey,
    detail: description ? `${error}: ${description}` : error,
  });
}
