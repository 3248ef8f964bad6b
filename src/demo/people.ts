import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Whom and what the demonstration has, in the members of a seed file (src/operator/seed-file.ts). */
export const ana = {
  email: 'ana@example.com',
  email_verified: true,
  phone_number: '+34600123456',
  phone_number_verified: true,
  password: 'correct-horse-battery',
  totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  name: 'Ana García López',
  given_name: 'Ana',
  family_name: 'García López',
  middle_name: 'María',
  nickname: 'Anita',
  preferred_username: 'ana.garcia',
  profile: 'https://people.example.com/ana',
  picture: 'https://people.example.com/ana.jpg',
  website: 'https://ana.example.com',
  gender: 'female',
  birthdate: '1990-05-17',
  zoneinfo: 'Europe/Madrid',
  locale: 'es-ES',
  address: {
    formatted: 'Calle Mayor 12, 3º B\n28013 Madrid\nSpain',
    street_address: 'Calle Mayor 12, 3º B',
    locality: 'Madrid',
    region: 'Madrid',
    postal_code: '28013',
    country: 'Spain',
  },
};

export const ben = {
  email: 'ben@example.com',
  email_verified: true,
  password: 'seven-quiet-lanterns',
  name: 'Ben Okafor',
  given_name: 'Ben',
  family_name: 'Okafor',
  zoneinfo: 'Europe/London',
  locale: 'en-GB',
};

/** No secret at all, since it stands here: it opens what runs on the reader's own computer, and nothing else. */
export const demoClient = { clientId: 'demo', clientSecret: 'everyone-may-know-this-demonstration-secret' };

const logoFile = path.join(import.meta.dirname, '../../clients/examples/demo/logo.webp');

export function demoSeed({ origin }: { origin: string }): string {
  const app = {
    client_id: demoClient.clientId,
    client_secret: demoClient.clientSecret,
    client_name: 'Paperplane',
    client_uri: `${origin}/`,
    policy_uri: `${origin}/`,
    logo_uri: `data:image/webp;base64,${readFileSync(logoFile, 'base64')}`,
    redirect_uris: [`${origin}/callback`],
    post_logout_redirect_uris: [`${origin}/signed-out`],
    scope: 'openid profile email phone address offline_access',
  };
  return JSON.stringify({ accounts: [ana, ben], apps: [app] });
}
