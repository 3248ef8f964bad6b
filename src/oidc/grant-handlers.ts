import type { KoaContextWithOIDC } from 'oidc-provider';
import { Provider } from 'oidc-provider';

/** What the engine does for one grant type, once it knows the app and the parameters: it checks, writes, and sets `ctx.body`. */
export type GrantHandler = (ctx: KoaContextWithOIDC) => Promise<void>;

const handlers = new WeakMap<object, Map<string, GrantHandler>>();

/** The engine, which also tells what it does for each grant type: direct/token.ts calls it without its middlewares. */
export class OpenProvider extends Provider {}

// On the prototype: the engine's constructor calls it, and its parameter of a type says more than can be repeated here.
const register = Provider.prototype.registerGrantType as (name: string, ...rest: unknown[]) => void;
OpenProvider.prototype.registerGrantType = function (this: OpenProvider, name: string, ...rest: unknown[]) {
  const known = handlers.get(this) ?? new Map<string, GrantHandler>();
  handlers.set(this, known.set(name, rest[0] as GrantHandler));
  register.call(this, name, ...rest);
};

export function grantHandler(provider: Provider, grantType: string): GrantHandler | undefined {
  return handlers.get(provider)?.get(grantType);
}
