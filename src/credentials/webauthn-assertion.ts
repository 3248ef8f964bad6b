import { createHash } from 'node:crypto';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import type { AuthenticatorData } from './webauthn-authenticator-data.ts';
import { isFromOurPage, readClientData } from './webauthn-client-data.ts';
import { isSignedBy, readPublicKey } from './webauthn-public-key.ts';
import { authenticatorDataOf, type CeremonyRefusal, checkFlags } from './webauthn-registration.ts';
import type { AssertionResponse } from './webauthn-response.ts';

/**
 * The checks of WebAuthn Level 3 section 7.2 that need no more than the stored key. What is left to whoever calls: spending
 * the challenge before, and after it the counter, which is compared where it is stored (passkeys-use.ts).
 */
export function checkAssertion(
  { response }: AssertionResponse,
  expected: {
    rpId: string;
    origin: string;
    verified: boolean;
    /** As stored: COSE_Key, and whether the key could be backed up when it was made. */
    publicKey: Uint8Array;
    backupEligible: boolean;
  },
): Outcome<{ data: AuthenticatorData }, CeremonyRefusal | 'wrong_signature'> {
  const client = readClientData(response.clientDataJSON);
  if (!client) return refused('malformed');
  if (!isFromOurPage(client, { type: 'webauthn.get', origin: expected.origin })) return refused('wrong_page');
  const data = authenticatorDataOf(response.authenticatorData);
  if (!data || data.credential) return refused('malformed');
  const flags = checkFlags(data, expected);
  if (!flags.ok) return flags;
  // Whether a key can be backed up is settled when it is made (section 7.2 step 18): another answer, another key.
  if (data.backupEligible !== expected.backupEligible) return refused('wrong_backup_flags');
  const key = readPublicKey(expected.publicKey);
  if (!key) return refused('key_not_taken');
  const hash = createHash('sha256').update(response.clientDataJSON).digest();
  const signed = Buffer.concat([response.authenticatorData, hash]);
  if (!isSignedBy(key, { data: signed, signature: response.signature })) return refused('wrong_signature');
  return { ...done, data };
}
