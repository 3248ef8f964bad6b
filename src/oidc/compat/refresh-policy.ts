import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import { compatMarker } from '../../consents/compat-scopes.ts';
import { days } from '../../kit/durations.ts';
import { isCompatClient } from './token-form.ts';

/**
 * Apps of this kind keep the first refresh token they get for good, and ask with it for years: their libraries have no
 * place for another. So it does not rotate, whichever endpoint they use; what is done instead stands in watch-refresh.ts and
 * docs/divergences.md.
 */
export const compatRefreshLasts = 3650 * days;
export const compatCodeLasts = 300;

const noRefreshToken = new WeakSet<object>();

/** The app redeems this code without its secret. */
export function withoutRefreshToken(engine: object): void {
  noRefreshToken.add(engine);
}

type Source = { kind: string; scopes: object };

/** Whether a code or token came of a request of this face. */
export function isCompatRequest({ scopes }: Pick<Source, 'scopes'>): boolean {
  return (scopes as Set<unknown>).has(compatMarker);
}

/** Undefined for everybody else: the usual rule decides. */
export function issuesCompatRefreshToken(
  ctx: KoaContextWithOIDC,
  client: Client,
  source: Source,
): boolean | undefined {
  if (noRefreshToken.has(ctx)) return false;
  if (!isCompatClient(client) || !isCompatRequest(source)) return undefined;
  if (!client.grantTypeAllowed('refresh_token')) return false;
  // A public app gets one on a device only: in a browser everybody's scripts could read it.
  return source.kind !== 'AuthorizationCode' || client.clientAuthMethod !== 'none';
}

export function rotates(ctx: KoaContextWithOIDC): boolean {
  return !isCompatClient(ctx.oidc.client);
}
