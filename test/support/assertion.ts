import { type KeyObject, randomUUID, sign } from 'node:crypto';

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT, signed with ES256 whatever its header says. */
export function signJwt(header: object, claims: object, privateKey: KeyObject): string {
  const text = `${part(header)}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** The form members by which an app proves itself with its key (RFC 7523 section 2.2). */
export function assertionOf({
  clientId,
  audience,
  privateKey,
  header = { alg: 'ES256' },
  claims = {},
}: {
  clientId: string;
  audience: string;
  privateKey: KeyObject;
  header?: object;
  claims?: object;
}): Record<string, string> {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    ...claims,
  };
  return {
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJwt(header, all, privateKey),
  };
}
