import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/**
 * Encryption at rest for what must be read back: TOTP secrets, signing keys, messages that wait to be sent.
 * AES-256-GCM under a key derived per purpose (HKDF, RFC 5869), so that a value sealed for one purpose cannot be
 * passed off as another. The first key seals; every key opens: put a new key in front to rotate.
 */
export type Seals = {
  seal(purpose: string, plain: string): string;
  /** Throws when no key opens it or when it was sealed for another purpose. */
  open(purpose: string, sealed: string): string;
  /** A keyed fingerprint (HMAC-SHA-256, base64url) under the first key, for chains and for looking up low-entropy values. */
  mac(purpose: string, text: string): string;
  /** Bytes derived from the first key, for libraries that want a secret of their own. */
  derive(purpose: string, length: number): Buffer;
  /** The same from every key, newest first: what the older ones made is to be recognised still. */
  deriveEach(purpose: string, length: number): Buffer[];
};

const mostKept = 1000;

/** `keys`: 32-byte secrets, newest first. A sealed value reads `1.<key id>.<iv, ciphertext and tag, base64url>`. */
export function openSeals(keys: readonly Buffer[]): Seals {
  const [first] = keys;
  if (!first) throw new Error('at least one sealing key is needed');
  const firstId = keyId(first);
  const byId = new Map(keys.map((key) => [keyId(key), key]));
  const purposeKeys = new Map<Buffer, Map<string, KeyObject>>(keys.map((key) => [key, new Map()]));

  /** Kept as Node's own keys: of bytes it makes one at each use, which costs more than what the key is for. */
  function derived(key: Buffer, purpose: string): KeyObject {
    const ofKey = purposeKeys.get(key) ?? new Map<string, KeyObject>();
    const known = ofKey.get(purpose);
    if (known) return known;
    const made = createSecretKey(fromKey(key, purpose, 32));
    // Some purposes name one interaction or session: those must not pile up.
    if (ofKey.size >= mostKept) ofKey.delete(ofKey.keys().next().value ?? '');
    ofKey.set(purpose, made);
    return made;
  }

  return {
    seal(purpose, plain) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', derived(first, purpose), iv);
      const body = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `1.${firstId}.${body.toString('base64url')}`;
    },
    open(purpose, sealed) {
      const [version, id, text] = sealed.split('.');
      const key = byId.get(id ?? '');
      if (version !== '1' || !key || !text)
        throw new Error(`cannot open a sealed value: no key "${id}" in SECRETS_KEY`);
      const body = Buffer.from(text, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', derived(key, purpose), body.subarray(0, 12));
      decipher.setAuthTag(body.subarray(-16));
      return Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]).toString('utf8');
    },
    mac: (purpose, text) => createHmac('sha256', derived(first, purpose)).update(text).digest('base64url'),
    derive: (purpose, length) => fromKey(first, purpose, length),
    deriveEach: (purpose, length) => keys.map((key) => fromKey(key, purpose, length)),
  };
}

function fromKey(key: Buffer, purpose: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `latchkey ${purpose}`, length));
}

function keyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 8);
}
