import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { checkAssertion } from '../../src/credentials/webauthn-assertion.ts';
import { algorithms } from '../../src/credentials/webauthn-public-key.ts';
import { checkRegistration } from '../../src/credentials/webauthn-registration.ts';
import { readAssertion, readRegistration } from '../../src/credentials/webauthn-response.ts';
import { newSecret } from '../../src/kit/secrets.ts';
import { type Kind, SoftwareAuthenticator } from '../support/software-authenticator.ts';

/**
 * The checks of WebAuthn are our own (docs/decisions/0018-passkeys.md), so they are held against those of SimpleWebAuthn, which
 * many use and others watch: of each ceremony, sound and with one byte of it changed, whatever we take it takes too.
 */
const origin = 'https://id.example.com';
const rpId = 'example.com';
const kinds: Kind[] = ['ES256', 'EdDSA', 'RS256'];
const made = (kind: Kind) => new SoftwareAuthenticator({ origin, kind, counts: true });

function takenByUs(text: string): boolean {
  const response = readRegistration(text);
  return (
    response !== undefined && checkRegistration(response, { rpId, origin, verified: true, quiet: false }).ok
  );
}

async function takenByThem(text: string, challenge: string): Promise<boolean> {
  const answer = await verifyRegistrationResponse({
    response: JSON.parse(text),
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    requireUserVerification: true,
    supportedAlgorithmIDs: [...algorithms],
  }).catch(() => ({ verified: false }));
  return answer.verified;
}

/** Each byte of the field, changed in one bit that depends on where it stands: the same every time. */
function changed(text: string, field: string): string[] {
  const sent = JSON.parse(text);
  const bytes = Buffer.from(sent.response[field], 'base64url');
  return [...bytes.keys()].map((at) => {
    const other = Buffer.from(bytes);
    const bit = (createHash('sha256').update(`${field} ${at}`).digest()[0] ?? 0) & 7;
    other[at] = (other[at] ?? 0) ^ (1 << bit);
    const response = { ...sent.response, [field]: other.toString('base64url') };
    return JSON.stringify({ ...sent, response });
  });
}

describe.each(kinds)('a second opinion, with %s', (kind) => {
  it('on a registration is ours', async () => {
    const challenge = newSecret();
    const text = made(kind).register({ challenge, rp: { id: rpId }, user: { id: newSecret() } });
    expect([takenByUs(text), await takenByThem(text, challenge)]).toEqual([true, true]);
    for (const other of [...changed(text, 'attestationObject'), ...changed(text, 'clientDataJSON')])
      if (takenByUs(other) && !isOtherChallenge(other, challenge))
        expect([other, await takenByThem(other, challenge)]).toEqual([other, true]);
  });

  it('on a sign-in is ours, and nothing that was changed is taken', async () => {
    const authenticator = made(kind);
    const registration = authenticator.register({
      challenge: newSecret(),
      rp: { id: rpId },
      user: { id: newSecret() },
    });
    const parsed = readRegistration(registration);
    const checked = parsed && checkRegistration(parsed, { rpId, origin, verified: true, quiet: false });
    if (!checked?.ok) throw new Error('not registered');
    const { publicKey } = checked.credential;
    const challenge = newSecret();
    const text = authenticator.assert({ challenge, rpId });
    const us = (sent: string) => {
      const response = readAssertion(sent);
      const expected = { rpId, origin, verified: true, publicKey, backupEligible: true };
      return response !== undefined && checkAssertion(response, expected).ok;
    };
    const them = await verifyAuthenticationResponse({
      response: JSON.parse(text),
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      credential: { id: authenticator.id, publicKey: new Uint8Array(publicKey), counter: 1 },
    });
    expect([us(text), them.verified]).toEqual([true, true]);
    for (const field of ['authenticatorData', 'clientDataJSON', 'signature'])
      expect(changed(text, field).filter(us)).toEqual([]);
  });
});

/** Which challenge it was is asked of the live store, before these checks. */
function isOtherChallenge(text: string, challenge: string): boolean {
  const { clientDataJSON } = JSON.parse(text).response;
  return JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()).challenge !== challenge;
}
