import { NotCbor, readCborPrefix } from './webauthn-cbor.ts';

/** What the authenticator itself says and signs (WebAuthn Level 3 section 6.1). */
export type AuthenticatorData = {
  rpIdHash: Uint8Array;
  /** UP: somebody was there. */
  userPresent: boolean;
  /** UV: the authenticator knew them, by a PIN, a finger or a face. */
  userVerified: boolean;
  /** BE: the key may leave the device it was made on, as synced passkeys do. It never changes. */
  backupEligible: boolean;
  /** BS: it has left, at this moment. */
  backedUp: boolean;
  /** Counts the uses of the key; always 0 from authenticators that do not count. */
  counter: number;
  /** In a registration only. */
  credential: AttestedCredential | undefined;
};

export type AttestedCredential = {
  /** Which make of authenticator; zeros when it does not say. Lower case, with dashes. */
  aaguid: string;
  id: Uint8Array;
  /** COSE_Key (RFC 9052), as it came. */
  publicKey: Uint8Array;
};

export class NotAuthenticatorData extends Error {
  constructor(why: string) {
    super(`not authenticator data: ${why}`);
    this.name = 'NotAuthenticatorData';
  }
}

const flag = { UP: 0x01, UV: 0x04, BE: 0x08, BS: 0x10, AT: 0x40, ED: 0x80 } as const;
/** Section 4: a credential id has 1023 bytes at most. */
const longestId = 1023;

/** Reads to the last byte: what is signed and not understood is refused. Throws NotAuthenticatorData. */
export function readAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  if (bytes.length < 37) throw new NotAuthenticatorData('it is too short');
  const flags = bytes[32] ?? 0;
  const is = (bit: number) => (flags & bit) !== 0;
  let at = 37;
  let credential: AttestedCredential | undefined;
  if (is(flag.AT)) ({ credential, end: at } = readCredential(bytes, at));
  if (is(flag.ED)) at += lengthOfMap(bytes.subarray(at));
  if (at !== bytes.length) throw new NotAuthenticatorData('it is longer than it says');
  return {
    rpIdHash: bytes.subarray(0, 32),
    userPresent: is(flag.UP),
    userVerified: is(flag.UV),
    backupEligible: is(flag.BE),
    backedUp: is(flag.BS),
    counter: viewOf(bytes).getUint32(33),
    credential,
  };
}

/** Section 6.5.2: AAGUID, length of the id, id, and the public key as CBOR. */
function readCredential(bytes: Uint8Array, start: number): { credential: AttestedCredential; end: number } {
  const idAt = start + 18;
  if (bytes.length < idAt) throw new NotAuthenticatorData('it ends before the credential');
  const idLength = viewOf(bytes).getUint16(start + 16);
  if (idLength === 0 || idLength > longestId) throw new NotAuthenticatorData('an id of no lawful length');
  const keyAt = idAt + idLength;
  if (bytes.length <= keyAt) throw new NotAuthenticatorData('it ends before the public key');
  const end = keyAt + lengthOfMap(bytes.subarray(keyAt));
  return {
    credential: {
      aaguid: writtenAaguid(bytes.subarray(start, start + 16)),
      id: bytes.slice(idAt, keyAt),
      publicKey: bytes.slice(keyAt, end),
    },
    end,
  };
}

function lengthOfMap(bytes: Uint8Array): number {
  try {
    const { value, length } = readCborPrefix(bytes);
    if (!(value instanceof Map)) throw new NotAuthenticatorData('a part that is no map');
    return length;
  } catch (error) {
    if (error instanceof NotCbor) throw new NotAuthenticatorData(error.message);
    throw error;
  }
}

function writtenAaguid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
