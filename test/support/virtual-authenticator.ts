import type { CDPSession, Page } from 'playwright-core';

/**
 * Chromium's own authenticator without a finger to press it (DevTools protocol, domain WebAuthn). It belongs to one page and
 * answers by itself, so a page that waits for a passkey in its field gets one as soon as there is one.
 */
export type VirtualAuthenticator = {
  /** Whether it says that it knew its user. */
  verifies(yes: boolean): Promise<void>;
  /** Whether somebody is there to agree. */
  agrees(yes: boolean): Promise<void>;
  /** What it holds. */
  credentials(): Promise<{ credentialId: string; signCount: number; userHandle?: string | undefined }[]>;
  /** Puts the same key back with another count: what a copy of it would say. */
  setCount(count: number): Promise<void>;
  remove(): Promise<void>;
};

export async function addAuthenticator(
  page: Page,
  {
    transport = 'internal',
    residentKeys = true,
    verifies = true,
  }: { transport?: 'internal' | 'usb'; residentKeys?: boolean; verifies?: boolean } = {},
): Promise<VirtualAuthenticator> {
  const cdp: CDPSession = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport,
      hasResidentKey: residentKeys,
      hasUserVerification: verifies,
      isUserVerified: verifies,
      automaticPresenceSimulation: true,
    },
  });
  const credentials = async () =>
    (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  return {
    verifies: (yes) =>
      cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: yes }).then(noAnswer),
    agrees: (yes) =>
      cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: yes }).then(noAnswer),
    credentials,
    async setCount(count) {
      for (const credential of await credentials()) {
        await cdp.send('WebAuthn.removeCredential', {
          authenticatorId,
          credentialId: credential.credentialId,
        });
        await cdp.send('WebAuthn.addCredential', {
          authenticatorId,
          credential: { ...credential, signCount: count },
        });
      }
    },
    remove: () => cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }).then(noAnswer),
  };
}

function noAnswer(): void {}
