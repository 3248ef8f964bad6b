import type { Account } from '../../src/accounts/account.ts';
import { namesOf } from '../../src/actions/enrol-passkey.ts';
import type { Passkey } from '../../src/credentials/passkeys.ts';
import { findUserHandle } from '../../src/credentials/passkeys-user.ts';
import { relyingParty } from '../../src/credentials/webauthn-party.ts';
import type { App } from '../../src/services.ts';

/**
 * What the password manager of somebody who is signed in is told (WebAuthn Level 3 section 5.1.10): which of our passkeys are
 * still good, and what the account is called now. Named by the user handle, which nobody else's keys have, so another
 * service under the same name is not touched. Empty for an account that never made a passkey.
 */
export async function passkeySignals(
  app: App,
  account: Account,
  passkeys: readonly Passkey[],
): Promise<object> {
  const party = relyingParty(app.settings);
  const userId = party && (await findUserHandle(app, account.id));
  if (!party || !userId) return {};
  const rpId = party.id;
  const allAcceptedCredentialIds = passkeys.map(({ credentialId }) => credentialId);
  return {
    accepted: { rpId, userId, allAcceptedCredentialIds },
    user: { rpId, userId, ...namesOf(account) },
  };
}
