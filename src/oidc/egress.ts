import { type EgressSettings, wayTo } from '../web/egress.ts';

/**
 * Every fetch of the engine (jwks_uri, sector identifiers) passes here. The engine looks at the address a connection
 * reached and cuts it when it is not a public one; that guard comes in the options, is not there when it could not be
 * set up, and is lost when somebody replaces `fetch` without care (engine facts 11). So: no guard, no fetch.
 */
export type EngineFetch = (
  url: string | URL,
  options: RequestInit & { dispatcher?: object },
) => Promise<Response>;

/** Bytes of a body that is read; longer ones are refused by the engine. */
export const mostFetchedBytes = 64 * 1024;

export function openEgress({ settings }: { settings: EgressSettings }): EngineFetch {
  return async (address, options) => {
    const url = new URL(address);
    const way = wayTo(url, settings);
    if (way === 'none') throw new Error('only https addresses on port 443 are fetched');
    const { dispatcher: guard, ...rest } = options;
    // A redirect could lead to an address that nobody registered.
    if (way === 'loopback') return fetch(url, { ...rest, redirect: 'error' });
    if (!guard) throw new Error('the guard against private addresses is not there');
    return fetch(url, { ...options, redirect: 'error' } as RequestInit);
  };
}
