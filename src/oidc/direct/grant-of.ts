import type { AccessToken, Grant, Provider } from 'oidc-provider';

/** The grant of a token, when it is still one and really its own: as the engine checks wherever it uses a token. */
export async function grantOf(provider: Provider, token: AccessToken): Promise<Grant | undefined> {
  const grant = await provider.Grant.find(String(token.grantId), { ignoreExpiration: true });
  if (!grant || grant.isExpired) return undefined;
  return grant.clientId === token.clientId && grant.accountId === token.accountId ? grant : undefined;
}
