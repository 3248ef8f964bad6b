import type { Provider } from 'oidc-provider';
import { signingAlgs } from '../../../clients/registry/members/algorithms.ts';

type Verified = { header: { typ?: string } };
type App = { clientId: string; idTokenSignedResponseAlg?: string | undefined };
type IdTokens = { validate(jwt: string, client: App): Promise<Verified> };

/**
 * ID tokens that apps show to us again. One names no type; what names one is something else that we signed for the same app,
 * such as a logout token, and is no hint (RFC 8725 section 3.11, OpenID Connect Back-Channel Logout 1.0 section 4). The
 * engine looks at no type, and takes only the algorithm that the app has now: people who signed in before it chose another
 * could not sign out any more. All of them are ours, with keys of their own kinds.
 */
export function readHints(provider: Provider): void {
  const model = provider.IdToken as unknown as IdTokens;
  const validate = model.validate;
  model.validate = async function (jwt, client) {
    const signedBy = signingAlgs.find((one) => one === algorithmOf(jwt));
    const { clientId, idTokenSignedResponseAlg: now } = client;
    const verified = await validate.call(this, jwt, { clientId, idTokenSignedResponseAlg: signedBy ?? now });
    const { typ } = verified.header;
    if (typ !== undefined && typ.toUpperCase() !== 'JWT') throw new Error(`of the type ${typ.slice(0, 40)}`);
    return verified;
  };
}

function algorithmOf(jwt: string): unknown {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).alg;
  } catch {
    return undefined;
  }
}
