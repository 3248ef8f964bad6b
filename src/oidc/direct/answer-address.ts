import type { Client } from 'oidc-provider';

/** What the app is told: `code`, `state` where it sent one, and `iss` (RFC 9207), in this order. */
export type CodeAnswer = { code: string; state?: string; iss: string };

/** An address as far as to its code. */
export type AnswerAddress = string;

const known = new WeakMap<Client, Map<string, AnswerAddress | undefined>>();

/**
 * Where an app gets its answer, written as the engine writes it. Undefined where that is not simply the address with more
 * behind it: it has such a parameter already, or a query that the engine spells in its own way (answers/kept-query.ts).
 */
export function answerAddress(client: Client, redirectUri: string): AnswerAddress | undefined {
  if (!client.redirectUriAllowed(redirectUri)) return undefined;
  const addresses = known.get(client) ?? new Map<string, AnswerAddress | undefined>();
  known.set(client, addresses);
  if (addresses.has(redirectUri)) return addresses.get(redirectUri);
  const address = asFarAsCode(redirectUri);
  // Of a program on the person's machine every port is one (RFC 8252 section 7.3): those are not kept.
  if (client.redirectUris?.includes(redirectUri)) addresses.set(redirectUri, address);
  return address;
}

function asFarAsCode(redirectUri: string): AnswerAddress | undefined {
  const address = new URL(redirectUri);
  const asRegistered = `${address.href}${address.search ? '&' : '?'}code=`;
  if (['code', 'state', 'iss'].some((name) => address.searchParams.has(name))) return undefined;
  address.searchParams.set('code', '');
  if (address.href !== asRegistered) return undefined;
  // Nothing of it is written differently in a header.
  const spelledPlainly = /^(?:[\x21\x24\x26-\x3b\x3d\x3f-\x5f\x61-\x7a\x7c\x7e]|%[0-9A-Fa-f]{2})+$/;
  return spelledPlainly.test(address.href) ? address.href : undefined;
}

export function withAnswer(address: AnswerAddress, { code, state, iss }: CodeAnswer): string {
  const said = state === undefined ? '' : `&state=${inForm(state)}`;
  return `${address}${code}${said}&iss=${inForm(iss)}`;
}

function inForm(value: string): string {
  return /^[A-Za-z0-9*._-]+$/.test(value) ? value : new URLSearchParams([['', value]]).toString().slice(1);
}
