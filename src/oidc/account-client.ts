import type { ClientMetadata } from 'oidc-provider';
import { digest, newSecret } from '../kit/secrets.ts';
import type { Settings } from '../settings.ts';

/**
 * Our own account pages sign people in by an authorization request, like every app, so that there is one way in and
 * one place that decides what is still needed. They are a public client without tokens: nobody keeps the PKCE verifier,
 * so the code that comes back cannot be redeemed and expires. What they want is the session.
 */
export const accountClientId = 'latchkey-account';

export function accountClient({ issuer }: Pick<Settings, 'issuer'>, brand: string): ClientMetadata {
  return {
    client_id: accountClientId,
    client_name: brand,
    redirect_uris: [accountReturn({ issuer })],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'web',
    scope: 'openid',
    first_party: true,
  };
}

function accountReturn({ issuer }: Pick<Settings, 'issuer'>): string {
  return `${issuer.origin}/account/signed-in`;
}

/**
 * One of our own paths that signs a person in and brings them to the account page `page`. `fresh` asks for the
 * credentials again even if they are signed in; `login_hint` and the like are not for us.
 */
export function signInAddress(
  { settings }: { settings: Pick<Settings, 'issuer'> },
  { page, fresh = false }: { page: string; fresh?: boolean },
): string {
  const query = new URLSearchParams({
    client_id: accountClientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: accountReturn(settings),
    code_challenge: digest(newSecret()),
    code_challenge_method: 'S256',
    state: page,
    ...(fresh ? { prompt: 'login' } : {}),
  });
  return `/authorize?${query}`;
}
