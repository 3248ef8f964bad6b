import { createHash } from 'node:crypto';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { sameSecret } from '../kit/secrets.ts';
import {
  type AttestedCredential,
  type AuthenticatorData,
  NotAuthenticatorData,
  readAuthenticatorData,
} from './webauthn-authenticator-data.ts';
import { NotCbor, readCbor } from './webauthn-cbor.ts';
import { isFromOurPage, readClientData } from './webauthn-client-data.ts';
import { readPublicKey } from './webauthn-public-key.ts';
import type { RegistrationResponse } from './webauthn-response.ts';

/** Why a ceremony is refused, for the audit record; people are told less. */
export type CeremonyRefusal =
  | 'malformed'
  | 'wrong_page'
  | 'wrong_party'
  | 'not_present'
  | 'not_verified'
  | 'wrong_backup_flags'
  | 'key_not_taken';

export type Registered = {
  credential: AttestedCredential;
  data: AuthenticatorData;
};

/**
 * The checks of WebAuthn Level 3 section 7.1 that need nothing stored; the challenge is spent before (verify-passkey.ts).
 * No attestation is asked for, and none is looked at: which make of authenticator it is decides nothing here, and a
 * statement that nobody believes needs no certificates checked.
 */
export function checkRegistration(
  response: RegistrationResponse,
  expected: { rpId: string; origin: string; verified: boolean; quiet: boolean },
): Outcome<Registered, CeremonyRefusal> {
  const client = readClientData(response.response.clientDataJSON);
  if (!client) return refused('malformed');
  if (!isFromOurPage(client, { type: 'webauthn.create', origin: expected.origin }))
    return refused('wrong_page');
  const data = readAttestation(response.response.attestationObject);
  if (!data?.credential) return refused('malformed');
  const flags = checkFlags(data, expected);
  if (!flags.ok) return flags;
  const { credential } = data;
  // What the browser calls the credential and what the authenticator signed must be one thing.
  if (Buffer.from(credential.id).toString('base64url') !== response.id) return refused('malformed');
  if (!readPublicKey(credential.publicKey)) return refused('key_not_taken');
  return { ...done, credential, data };
}

/** What every ceremony must show of the party, the person and the backup (section 7.1 steps 14 to 18, 7.2 steps 15 to 18). */
export function checkFlags(
  data: AuthenticatorData,
  { rpId, verified, quiet = false }: { rpId: string; verified: boolean; quiet?: boolean },
): Outcome<object, CeremonyRefusal> {
  const rpIdHash = createHash('sha256').update(rpId).digest('hex');
  if (!sameSecret(Buffer.from(data.rpIdHash).toString('hex'), rpIdHash)) return refused('wrong_party');
  // A key made quietly is made without asking anybody (section 7.1 step 15).
  if (!data.userPresent && !quiet) return refused('not_present');
  if (verified && !data.userVerified) return refused('not_verified');
  // What cannot be backed up is not backed up (section 6.1.3).
  if (data.backedUp && !data.backupEligible) return refused('wrong_backup_flags');
  return done;
}

/** Undefined for what is no authenticator data. */
export function authenticatorDataOf(bytes: Uint8Array): AuthenticatorData | undefined {
  try {
    return readAuthenticatorData(bytes);
  } catch (error) {
    if (error instanceof NotAuthenticatorData) return undefined;
    throw error;
  }
}

/**
 * The formats there are (IANA, WebAuthn Attestation Statement Format Identifiers). Asked for none, a browser still passes on
 * what an authenticator signed with the very key that it made (section 5.1.3), and some do not ask at all.
 */
const formats = new Set<unknown>([
  'none',
  'packed',
  'tpm',
  'android-key',
  'android-safetynet',
  'fido-u2f',
  'apple',
  'compound',
]);

function readAttestation(bytes: Uint8Array): AuthenticatorData | undefined {
  try {
    const attestation = readCbor(bytes);
    if (!(attestation instanceof Map)) return undefined;
    const [format, statement, authData] = ['fmt', 'attStmt', 'authData'].map((name) => attestation.get(name));
    if (!(statement instanceof Map) || !(authData instanceof Uint8Array)) return undefined;
    if (!formats.has(format) || (format === 'none' && statement.size > 0)) return undefined;
    return authenticatorDataOf(authData);
  } catch (error) {
    if (error instanceof NotCbor) return undefined;
    throw error;
  }
}
