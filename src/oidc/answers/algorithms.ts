import {
  contentEncryptionAlgs,
  keyEncryptionAlgs,
  signingAlgs,
} from '../../../clients/registry/members/algorithms.ts';
import { requestEncryptionAlgs } from '../keys/request-keys.ts';

/**
 * What answers are signed and encrypted with: the same lists that apps choose from. No symmetric algorithm, for which
 * the engine would need an app's secret itself, and never `none`.
 */
const encryption = (kind: string) => ({
  [`${kind}EncryptionAlgValues`]: [...keyEncryptionAlgs],
  [`${kind}EncryptionEncValues`]: [...contentEncryptionAlgs],
});

export function enabledAlgorithms() {
  return {
    idTokenSigningAlgValues: [...signingAlgs],
    userinfoSigningAlgValues: [...signingAlgs],
    introspectionSigningAlgValues: [...signingAlgs],
    authorizationSigningAlgValues: [...signingAlgs],
    clientAuthSigningAlgValues: [...signingAlgs],
    requestObjectSigningAlgValues: [...signingAlgs],
    dPoPSigningAlgValues: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    ...encryption('idToken'),
    ...encryption('userinfo'),
    ...encryption('introspection'),
    ...encryption('authorization'),
    ...encryption('requestObject'),
    requestObjectEncryptionAlgValues: [...requestEncryptionAlgs],
  } as never;
}
