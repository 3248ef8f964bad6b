import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * An authenticator and the browser around it, in software: makes keys and signs challenges as WebAuthn Level 3 has it, and,
 * asked to, gets any single thing wrong. It shares no code with what it is there to test.
 */
export type Kind = 'ES256' | 'EdDSA' | 'RS256' | 'RS256-1024' | 'ES384' | 'RS1';
export type Flags = { up?: boolean; uv?: boolean; be?: boolean; bs?: boolean };
export type Client = {
  origin?: string;
  type?: string;
  crossOrigin?: boolean;
  topOrigin?: string;
  /** Other members, as newer browsers send. */
  more?: object;
  bom?: boolean;
  rpId?: string;
};

type Options = { challenge: string; rpId?: string; rp?: { id: string }; user?: { id: string } };

export class SoftwareAuthenticator {
  readonly id: string;
  counter = 0;
  userHandle = '';
  readonly #keys: { publicKey: KeyObject; privateKey: KeyObject };
  readonly #kind: Kind;
  readonly #origin: string;
  readonly #flags: Required<Flags>;
  readonly #aaguid: string;
  readonly #step: number;

  constructor(given: {
    origin: string;
    kind?: Kind;
    flags?: Flags;
    aaguid?: string;
    /** Such as synced passkeys, which always say 0. */
    counts?: boolean;
    id?: string;
  }) {
    this.#origin = given.origin;
    this.#kind = given.kind ?? 'ES256';
    this.#keys = makeKeys(this.#kind);
    this.#flags = { up: true, uv: true, be: true, bs: true, ...given.flags };
    this.#aaguid = given.aaguid ?? '00000000-0000-0000-0000-000000000000';
    this.#step = given.counts ? 1 : 0;
    this.id = given.id ?? randomBytes(16).toString('base64url');
  }

  /** Another device that holds the same key and the same count: a copy. */
  copy(): SoftwareAuthenticator {
    const copied = new SoftwareAuthenticator({ origin: this.#origin, id: this.id, counts: this.#step > 0 });
    Object.assign(copied, { counter: this.counter, userHandle: this.userHandle });
    copied.#adopt(this);
    return copied;
  }

  /** navigator.credentials.create, as the page's script posts it. */
  register(options: Options, { flags = {}, ...client }: Client & { flags?: Flags } = {}): string {
    this.userHandle = options.user?.id ?? '';
    this.counter += this.#step;
    const authData = this.#authenticatorData(client.rpId ?? options.rp?.id ?? '', flags, true);
    const attestation = cborMap([
      ['fmt', cborText('none')],
      ['attStmt', cborMap([])],
      ['authData', cborBytes(authData)],
    ]);
    return JSON.stringify({
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      response: {
        clientDataJSON: clientData(options, this.#origin, { type: 'webauthn.create', ...client }).toString(
          'base64url',
        ),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal', 'hybrid'],
      },
      clientExtensionResults: { credProps: { rk: true } },
    });
  }

  /** navigator.credentials.get, as the page's script posts it. */
  assert(
    options: Options,
    {
      flags = {},
      userHandle = this.userHandle,
      counter,
      signedBy = this,
      id = this.id,
      ...client
    }: Client & {
      flags?: Flags;
      userHandle?: string | null;
      counter?: number;
      signedBy?: SoftwareAuthenticator;
      id?: string;
    } = {},
  ): string {
    this.counter = counter ?? this.counter + this.#step;
    const authenticatorData = this.#authenticatorData(client.rpId ?? options.rpId ?? '', flags, false);
    const clientDataJSON = clientData(options, this.#origin, { type: 'webauthn.get', ...client });
    const hash = createHash('sha256').update(clientDataJSON).digest();
    const signature = signedBy.#sign(Buffer.concat([authenticatorData, hash]));
    return JSON.stringify({
      id,
      rawId: id,
      type: 'public-key',
      response: {
        clientDataJSON: clientDataJSON.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle,
      },
      clientExtensionResults: {},
    });
  }

  #adopt(other: SoftwareAuthenticator): void {
    Object.assign(this.#keys, other.#keys);
    Object.assign(this.#flags, other.#flags);
  }

  #sign(data: Buffer): Buffer {
    const algorithm = { EdDSA: null, ES384: 'sha384', RS1: 'sha1' }[this.#kind as string];
    return sign(algorithm === undefined ? 'sha256' : algorithm, data, this.#keys.privateKey);
  }

  #authenticatorData(rpId: string, given: Flags, withKey: boolean): Buffer {
    const { up, uv, be, bs } = { ...this.#flags, ...given };
    const head = Buffer.alloc(5);
    head[0] = Number(up) | (Number(uv) << 2) | (Number(be) << 3) | (Number(bs) << 4) | (Number(withKey) << 6);
    head.writeUInt32BE(this.counter, 1);
    const parts = [createHash('sha256').update(rpId).digest(), head];
    if (!withKey) return Buffer.concat(parts);
    const id = Buffer.from(this.id, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const aaguid = Buffer.from(this.#aaguid.replaceAll('-', ''), 'hex');
    return Buffer.concat([...parts, aaguid, length, id, coseKey(this.#kind, this.#keys.publicKey)]);
  }
}

function clientData(
  { challenge }: Options,
  ownOrigin: string,
  { type, origin = ownOrigin, crossOrigin = false, topOrigin, more, bom }: Client,
): Buffer {
  const members = { type, challenge, origin, crossOrigin, ...(topOrigin && { topOrigin }), ...more };
  return Buffer.from(`${bom ? '\ufeff' : ''}${JSON.stringify(members)}`);
}

function makeKeys(kind: Kind) {
  if (kind === 'EdDSA') return generateKeyPairSync('ed25519');
  if (kind === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (kind === 'ES384') return generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return generateKeyPairSync('rsa', { modulusLength: kind === 'RS256-1024' ? 1024 : 2048 });
}

/** RFC 9052 section 7, with the numbers of RFC 9053 and 8812. */
function coseKey(kind: Kind, key: KeyObject): Buffer {
  const { x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' });
  const bytes = (text: string) => cborBytes(Buffer.from(text, 'base64url'));
  const members: Record<Kind, [number, Buffer][]> = {
    ES256: [
      [1, cborNumber(2)],
      [3, cborNumber(-7)],
      [-1, cborNumber(1)],
      [-2, bytes(x)],
      [-3, bytes(y)],
    ],
    ES384: [
      [1, cborNumber(2)],
      [3, cborNumber(-35)],
      [-1, cborNumber(2)],
      [-2, bytes(x)],
      [-3, bytes(y)],
    ],
    EdDSA: [
      [1, cborNumber(1)],
      [3, cborNumber(-8)],
      [-1, cborNumber(6)],
      [-2, bytes(x)],
    ],
    RS256: [
      [1, cborNumber(3)],
      [3, cborNumber(-257)],
      [-1, bytes(n)],
      [-2, bytes(e)],
    ],
    'RS256-1024': [
      [1, cborNumber(3)],
      [3, cborNumber(-257)],
      [-1, bytes(n)],
      [-2, bytes(e)],
    ],
    RS1: [
      [1, cborNumber(3)],
      [3, cborNumber(-65535)],
      [-1, bytes(n)],
      [-2, bytes(e)],
    ],
  };
  return cborMap(members[kind]);
}

function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
}

function cborNumber(value: number): Buffer {
  return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
}

function cborBytes(bytes: Buffer): Buffer {
  return Buffer.concat([cborHead(2, bytes.length), bytes]);
}

function cborText(text: string): Buffer {
  return Buffer.concat([cborHead(3, Buffer.byteLength(text)), Buffer.from(text)]);
}

function cborMap(members: [number | string, Buffer][]): Buffer {
  const flat = members.flatMap(([key, value]) => [
    typeof key === 'number' ? cborNumber(key) : cborText(key),
    value,
  ]);
  return Buffer.concat([cborHead(5, members.length), ...flat]);
}
