import type { IncomingMessage } from 'node:http';
import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';

type OIDCContext = KoaContextWithOIDC['oidc'];

/** As much of a Koa context as the engine's models, grant handlers and events ask for. */
class LightContext {
  readonly req: IncomingMessage;
  readonly path: string;
  readonly method: string;
  readonly _matchedRouteName: string;
  readonly oidc: OIDCContext;
  readonly state = {};
  status = 200;
  body: object | undefined;
  readonly sent: Record<string, string> = {};

  constructor(provider: Provider, { req, route }: { req: IncomingMessage; route: string }) {
    this.req = req;
    this.path = req.url ?? '';
    this.method = req.method ?? '';
    this._matchedRouteName = route;
    const { OIDCContext } = provider as unknown as { OIDCContext: new (ctx: LightContext) => OIDCContext };
    this.oidc = new OIDCContext(this);
  }

  get headers(): IncomingMessage['headers'] {
    return this.req.headers;
  }

  get(name: string): string {
    return String(this.req.headers[name.toLowerCase()] ?? '');
  }

  set(name: string, value: string): void {
    this.sent[name] = value;
  }

  remove(name: string): void {
    delete this.sent[name];
  }

  assert(value: unknown, error: unknown): asserts value {
    if (!value) throw error;
  }
}

/** What the engine's own code takes for one of its contexts. */
export function openLightContext(
  provider: Provider,
  { req, route, client, params }: { req: IncomingMessage; route: string; client?: Client; params: object },
): KoaContextWithOIDC {
  const ctx = new LightContext(provider, { req, route }) as unknown as KoaContextWithOIDC;
  Object.assign(ctx.oidc, { params, body: params });
  if (client) ctx.oidc.entity('Client', client);
  return ctx;
}
