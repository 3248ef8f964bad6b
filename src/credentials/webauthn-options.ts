import type { PasskeysTable } from '../store/tables.ts';
import type { Passkey } from './passkeys.ts';
import { challengeLifeMs } from './webauthn-challenges.ts';
import type { RelyingParty } from './webauthn-party.ts';
import { algorithms } from './webauthn-public-key.ts';

/** What the page's script hands to the browser: the JSON forms of WebAuthn Level 3 sections 5.1.9 and 5.1.10. */
export type CreationOptions = ReturnType<typeof creationOptions>;
export type RequestOptions = ReturnType<typeof requestOptions>;

/** How a key is made: a passkey by whatever authenticator the person likes, quietly beside a password, or on a security key. */
export type Making = PasskeysTable['kind'] | 'quiet_passkey';

const selection = {
  passkey: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  // Nobody is asked, so nobody can be verified (section 5.1.3): it counts as one factor until it was.
  quiet_passkey: { residentKey: 'required', requireResidentKey: true, userVerification: 'preferred' },
  // Keys have little room, and the password stands beside it.
  security_key: {
    residentKey: 'discouraged',
    requireResidentKey: false,
    userVerification: 'discouraged',
    authenticatorAttachment: 'cross-platform',
  },
} as const;

export function creationOptions(given: {
  party: RelyingParty;
  user: { handle: string; name: string; displayName: string };
  challenge: string;
  making: Making;
  /** All of the account's: an authenticator that has one of them refuses to make another. */
  others: readonly Passkey[];
}) {
  const { party, user, challenge, making, others } = given;
  return {
    rp: { id: party.id, name: party.name },
    user: { id: user.handle, name: user.name, displayName: user.displayName },
    challenge,
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: challengeLifeMs,
    excludeCredentials: others.map(descriptor),
    authenticatorSelection: selection[making],
    attestation: 'none',
    hints: making === 'security_key' ? ['security-key'] : [],
    extensions: { credProps: true },
  };
}

/** `allowed` empty: the authenticator looks for what it has of us, and nothing is said about any account. */
export function requestOptions(given: {
  party: RelyingParty;
  challenge: string;
  userVerification: 'required' | 'preferred' | 'discouraged';
  allowed: readonly Passkey[];
}) {
  const { party, challenge, userVerification, allowed } = given;
  return {
    rpId: party.id,
    challenge,
    timeout: challengeLifeMs,
    userVerification,
    allowCredentials: allowed.map(descriptor),
  };
}

function descriptor({ credentialId, transports }: Passkey) {
  return { type: 'public-key', id: credentialId, transports };
}
