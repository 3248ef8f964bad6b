import type { IncomingMessage, RequestListener } from 'node:http';
import type { FindAccount, Provider } from 'oidc-provider';
import { trustedProxies } from '../../kit/trusted-proxies.ts';
import type { Services } from '../../services.ts';
import { clientAddress, newRequestId } from '../../web/request-source.ts';
import { setRequestState } from '../../web/request-state.ts';
import type { CookieKeys } from '../cookie-keys.ts';
import type { EndpointLimits } from '../endpoint-limits.ts';
import type { PairwiseSubjects } from '../pairwise.ts';
import type { mayIntrospect } from '../token-policies.ts';
import { type Answer, openSend } from './answer.ts';
import { rememberOutage } from './go-on.ts';
import { introspect } from './introspection.ts';
import type { PlainGrants } from './plain-grants.ts';
import { isPlain, peekForm } from './plain-request.ts';
import { issueTokens } from './token.ts';
import { userinfo } from './userinfo.ts';

/**
 * The direct way: what apps ask all day, answered with the engine's models and grant handlers and without its web
 * application, which costs more than all they do. It answers only what it is sure of, a plain request that succeeds (and
 * at the token endpoint a grant that is refused); every other request goes the engine's own way, untouched, as if this
 * had not been there. test/contracts/direct-way.test.ts holds both ways to the same answers. People's: authorize-way.ts.
 */
export type DirectContext = DirectParts & {
  services: Services;
  req: IncomingMessage;
  /** Of a POST; empty for a GET. */
  form: Readonly<Record<string, string>>;
};

/** What the engine was set up with. */
export type DirectParts = {
  provider: Provider;
  findAccount: FindAccount;
  mayIntrospect: ReturnType<typeof mayIntrospect>;
  subjects: PairwiseSubjects;
  cookieKeys: CookieKeys;
  plainGrants: PlainGrants;
};

type Endpoint = { method: string; answer(context: DirectContext): Promise<Answer | undefined> };

const endpoints = new Map<string, Endpoint>([
  ['/token', { method: 'POST', answer: issueTokens }],
  ['/introspect', { method: 'POST', answer: introspect }],
  ['/userinfo', { method: 'GET', answer: userinfo }],
]);

export function openDirectWay(
  services: Services,
  { parts, limits, otherwise }: { parts(): DirectParts; limits: EndpointLimits; otherwise: RequestListener },
): { takes(req: IncomingMessage): boolean; answer: RequestListener } {
  const { settings, metrics } = services;
  const trusted = trustedProxies(settings.TRUSTED_PROXIES);
  const send = openSend(services);

  async function attempt(req: IncomingMessage, endpoint: Endpoint): Promise<Answer | undefined> {
    const ip = clientAddress(req, trusted);
    // Whoever failed lately is counted, and that is done on the other way.
    if (limits.watches(ip)) return undefined;
    const form = endpoint.method === 'POST' ? await peekForm(req) : {};
    if (!form) return undefined;
    const userAgent = (req.headers['user-agent'] ?? '').slice(0, 400);
    setRequestState({ req, state: {} as never }, { source: { ip, userAgent, requestId: newRequestId() } });
    const answer = await endpoint.answer({ ...parts(), services, req, form });
    if (answer?.refused) await limits.noteFailure(ip);
    return answer;
  }

  return {
    takes: (req) => endpoints.get(req.url ?? '')?.method === req.method && isPlain(req, settings.issuer.host),
    answer(req, res) {
      const begun = performance.now();
      const endpoint = endpoints.get(req.url ?? '') as Endpoint;
      const route = (req.url ?? '').slice(1);
      attempt(req, endpoint)
        .then((answer) => {
          if (!answer) return otherwise(req, res);
          send(res, answer);
          metrics.requestSeconds.observe({ route }, (performance.now() - begun) / 1000);
          metrics.requests.inc({ route, method: endpoint.method, status: answer.status });
        })
        // Nothing was done: what went wrong here goes wrong there too, and is told there.
        .catch((error: unknown) => {
          rememberOutage(services, { req, begun, error });
          otherwise(req, res);
        });
    },
  };
}
