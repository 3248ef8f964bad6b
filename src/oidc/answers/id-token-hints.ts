import type { Provider } from 'oidc-provider';

type Verified = { header: { typ?: string } };
type IdTokens = { validate(jwt: string, client: object): Promise<Verified> };

/**
 * An ID token names no type; what names one is something else that we signed for the same app, such as a logout token, and
 * is no hint (RFC 8725 section 3.11, OpenID Connect Back-Channel Logout 1.0 section 4). The engine looks at no type.
 */
export function refuseTypedHints(provider: Provider): void {
  const model = provider.IdToken as unknown as IdTokens;
  const validate = model.validate;
  model.validate = async function (jwt, client) {
    const verified = await validate.call(this, jwt, client);
    const { typ } = verified.header;
    if (typ !== undefined && typ.toUpperCase() !== 'JWT') throw new Error(`of the type ${typ.slice(0, 40)}`);
    return verified;
  };
}
