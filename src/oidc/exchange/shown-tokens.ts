import type { AccessToken, Client, ClientCredentials, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { PairwiseSubjects } from '../pairwise.ts';
import { veiled } from '../resources/jwt-tokens.ts';
import type { mayIntrospect } from '../token-policies.ts';

/**
 * A token that a service shows. It may show those that it may ask about (token-policies.ts): its own, and those that were
 * made for the API it works for. So whoever finds a token elsewhere can do nothing with it here, and what suspends a
 * person or disables an app ends this as it ends introspection.
 */
export type ShownContext = {
  provider: Provider;
  mayIntrospect: ReturnType<typeof mayIntrospect>;
  subjects: PairwiseSubjects;
};
export type Shown = { token: AccessToken | ClientCredentials; issuedTo: Client };

export async function findShown(
  { provider, mayIntrospect }: ShownContext,
  ctx: KoaContextWithOIDC,
  value: string,
): Promise<Shown | undefined> {
  const token =
    (await provider.AccessToken.find(veiled(value))) ?? (await provider.ClientCredentials.find(value));
  const { client } = ctx.oidc;
  if (!token?.isValid || !client || !(await mayIntrospect(ctx, client, token))) return undefined;
  const issuedTo = await provider.Client.find(String(token.clientId));
  if (!issuedTo) return undefined;
  if (token.kind !== 'AccessToken') return { token, issuedTo };
  const { grantId, accountId, clientId } = token as AccessToken;
  const grant = await provider.Grant.find(String(grantId), { ignoreExpiration: true });
  if (!grant || grant.isExpired || grant.clientId !== clientId || grant.accountId !== accountId)
    return undefined;
  return { token, issuedTo };
}

/** How the token names whom it is about: as the app it was issued to knows them, or that app itself. */
export function subjectOf({ subjects }: ShownContext, { token, issuedTo }: Shown): string {
  const { accountId } = token as AccessToken;
  if (!accountId) return issuedTo.clientId;
  return issuedTo.subjectType === 'pairwise' ? subjects(issuedTo, accountId) : accountId;
}
