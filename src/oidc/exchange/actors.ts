import type { KoaContextWithOIDC, UnknownObject } from 'oidc-provider';
import { levelOfToken } from '../step-up/token-claims.ts';

/** Who acts for the person (RFC 8693 section 4.1): the newest outside, those before it within. */
export type Actor = { sub: string; act?: Actor };

/** How often a token may be passed on. A chain of services that is longer than this has gone round in a circle. */
const mostExchanges = 3;

const claims = new WeakMap<object, UnknownObject>();

/** What a token that was exchanged says beside the usual, kept until the engine asks for it. */
export function sayOfToken(token: object, said: UnknownObject): void {
  claims.set(token, said);
}

export function extraTokenClaims(ctx: KoaContextWithOIDC, token: object): UnknownObject | undefined {
  return claims.get(token) ?? levelOfToken(ctx, token);
}

/** Undefined when it was passed on often enough. */
export function withActor(before: unknown, sub: string): Actor | undefined {
  const former = isActor(before) ? before : undefined;
  if (lengthOf(former) >= mostExchanges) return undefined;
  return former ? { sub, act: former } : { sub };
}

function isActor(value: unknown): value is Actor {
  return typeof value === 'object' && value !== null && typeof (value as Actor).sub === 'string';
}

function lengthOf(actor: Actor | undefined): number {
  return actor ? 1 + lengthOf(actor.act) : 0;
}
