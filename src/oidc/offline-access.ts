import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { isCompatRequest } from './compat/refresh-policy.ts';
import { readMember } from './context-members.ts';

/**
 * When an app may ask for access while the person is away. OpenID Connect Core section 11 wants `prompt=consent` with
 * `offline_access`, "unless other conditions for processing the request permitting offline access are in place". Ours
 * are: the person was shown that very line on the consent page, could untick it, and can take it back. So an app that
 * asks without `prompt=consent` is not ignored; whoever decided before is not asked again, and whoever did not is.
 *
 * The engine drops the scope unless `consent` is among the prompts. Here it always is, for such a request; whether the
 * page is really shown is then ours to say (`needsConsentPage`), since the engine's own check would show it each time.
 */
type Requested = { scope?: string; prompt?: string };

export function allowOfflineAccess(provider: Provider): void {
  readMember<{ params?: Requested }, Set<string>>(provider, 'prompts', ({ params }, prompts) => {
    if (!params) return new Set();
    const asked = prompts();
    const offline = params.scope?.split(' ').includes('offline_access');
    return offline && !asked.has('none') ? asked.add('consent') : asked;
  });
}

/** Whether an app gets a refresh token for a code with these scopes. */
export function issuesRefreshToken(client: Client, scopes: Iterable<string>): boolean {
  return client.grantTypeAllowed('refresh_token') && new Set(scopes).has('offline_access');
}

/** Whether the app itself asked for the consent page and it was not answered in this request yet. */
export function needsConsentPage({ oidc }: KoaContextWithOIDC): boolean {
  const { prompt } = (oidc.params ?? {}) as Requested;
  return (prompt ?? '').split(' ').includes('consent') && oidc.promptPending('consent');
}

/** Whether what is given is over with the session: where nobody asked for access while the person is away. */
export function endsWithSession(given: { scopes: Set<unknown> }): boolean {
  return !given.scopes.has('offline_access') && !isCompatRequest(given);
}
