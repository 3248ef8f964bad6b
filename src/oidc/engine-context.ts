import { AsyncLocalStorage } from 'node:async_hooks';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';

const direct = new AsyncLocalStorage<KoaContextWithOIDC>();

/** The request the engine is working on: one of its own routes, or one that came by the direct way (direct/). */
export function currentContext(): KoaContextWithOIDC | undefined {
  return direct.getStore() ?? Provider.ctx;
}

export function withContext<Result>(ctx: KoaContextWithOIDC, work: () => Promise<Result>): Promise<Result> {
  return direct.run(ctx, work);
}
