/** The apps that every target knows under the same names, so that one load fits all. Secrets of a bench are no secrets. */
const secret = 'bench-secret-that-nobody-needs-to-guess-0123456789';
const redirectUri = 'https://app.example.test/callback';

export type BenchApp = { clientId: string; metadata: Record<string, unknown> };

/** What it asks for with `offline_access`: code, ID token, access token and refresh token. */
export const offlineApp: BenchApp = {
  clientId: 'bench-offline',
  metadata: {
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile email offline_access',
    id_token_signed_response_alg: 'ES256',
  },
};

/** Signs people in and no more: code and ID token, bound to the session. */
export const signInApp: BenchApp = {
  clientId: 'bench-sign-in',
  metadata: {
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    scope: 'openid profile email',
    id_token_signed_response_alg: 'ES256',
  },
};

export const machineApp: BenchApp = {
  clientId: 'bench-machine',
  metadata: { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
};

export const resourceServer: BenchApp = {
  clientId: 'bench-resource-server',
  metadata: { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
};

export const benchApps = [offlineApp, signInApp, machineApp, resourceServer] as const;
export const benchSecret = secret;
export const benchRedirectUri = redirectUri;

export function basicOf({ clientId }: BenchApp): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` };
}

/** The people, and the claims that both sides tell of them. */
export const benchPassword = 'correct-horse-battery';
export const personAddress = (number: number) => `person${number}@example.com`;
export const personProfile = (number: number) => ({
  name: `Person ${number}`,
  given_name: 'Person',
  family_name: String(number),
  locale: 'en',
  zoneinfo: 'Europe/Berlin',
});
