import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { interactionPolicy } from 'oidc-provider';
import { escapeHtml } from '../../kit/escape-html.ts';
import { trustedProxies } from '../../kit/trusted-proxies.ts';
import type { Services } from '../../services.ts';
import { clientAddress, newRequestId } from '../../web/request-source.ts';
import { setRequestState } from '../../web/request-state.ts';
import { contentSecurityPolicy, newNonce, pageHeaders } from '../../web/security-headers.ts';
import { openInteractionPolicy } from '../interaction-policy.ts';
import { authorize } from './authorize.ts';
import { isAuthorization, plainAuthorization } from './authorize-request.ts';
import type { DirectParts } from './direct.ts';
import { rememberOutage } from './go-on.ts';
import { openLikelyGrants } from './likely-grants.ts';
import { isPlain } from './plain-request.ts';
import { openSessionCookies } from './session-cookie.ts';

/**
 * The direct way of people: somebody who is signed in comes from an app that has their consent, and goes back with a
 * code. As on the direct way of apps (direct.ts), what is answered here is what the engine would answer, and everything
 * that is not sure to succeed goes on to it untouched. test/contracts/authorize-direct-way.test.ts holds both to the same.
 */
export function openAuthorizeWay(
  services: Services,
  { parts, otherwise }: { parts(): DirectParts; otherwise: RequestListener },
): { takes(req: IncomingMessage): boolean; answer: RequestListener } {
  const { settings, metrics } = services;
  const trusted = trustedProxies(settings.TRUSTED_PROXIES);
  const cookies = openSessionCookies(settings.issuer);
  let policy: interactionPolicy.DefaultPolicy | undefined;
  const likely = openLikelyGrants(services);
  const always = Object.entries(pageHeaders({ settings })).flat();

  async function attempt(req: IncomingMessage) {
    const params = plainAuthorization(req.url ?? '');
    const engine = parts();
    const cookie = params && cookies.read(req.headers.cookie, engine.cookieKeys);
    if (!cookie) return undefined;
    const userAgent = (req.headers['user-agent'] ?? '').slice(0, 400);
    const source = { ip: clientAddress(req, trusted), userAgent, requestId: newRequestId() };
    setRequestState({ req, state: {} as never }, { source });
    policy ??= openInteractionPolicy({ ...services, subjects: engine.subjects });
    const authorized = await authorize({ ...engine, services, req, params, cookie, policy, likely });
    if (!authorized) return undefined;
    const { location, cookieLife } = authorized;
    return { location, cookies: cookieLife === undefined ? [] : cookies.write(cookie, cookieLife) };
  }

  function send(res: ServerResponse, { location, cookies }: { location: string; cookies: string[] }): void {
    const body = `Redirecting to ${escapeHtml(location)}.`;
    res.writeHead(303, [
      ...['Location', location],
      ...always,
      ...['Content-Security-Policy', contentSecurityPolicy({ nonce: newNonce(), staysHere: false })],
      ...cookies.flatMap((cookie) => ['Set-Cookie', cookie]),
      ...['Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(body.length)],
    ]);
    // An address is ASCII, and this is written faster.
    res.end(body, 'latin1');
  }

  return {
    takes: (req) =>
      isAuthorization(req) &&
      isPlain(req, settings.issuer.host) &&
      req.headers['content-length'] === undefined &&
      takesHtml(req.headers.accept),
    answer(req, res) {
      const begun = performance.now();
      attempt(req)
        .then((answer) => {
          if (!answer) return otherwise(req, res);
          send(res, answer);
          metrics.requestSeconds.observe({ route: 'authorize' }, (performance.now() - begun) / 1000);
          metrics.requests.inc({ route: 'authorize', method: 'GET', status: 303 });
        })
        // Whatever went wrong here goes wrong there too, and is told there; or it was overtaken, and is asked anew.
        .catch((error: unknown) => {
          rememberOutage(services, { req, begun, error });
          otherwise(req, res);
        });
    },
  };
}

/** As browsers say it. A redirect has a page with a line for who does not follow it. */
function takesHtml(accept: string | undefined): boolean {
  return accept === undefined || accept === '*/*' || /(^|, ?)text\/html(,|$)/.test(accept);
}
