import { digest, sameSecret } from '../../src/kit/secrets.ts';

/** A secret as it is kept: only its digest, and its last characters to tell it from others. */
export type ClientSecret = {
  digest: string;
  hint: string;
  createdAt: number;
  expiresAt: number | undefined;
};

/**
 * Whether `given` is one of the app's secrets that have not expired. Each is compared, so the time says nothing of
 * which one matched. A plain SHA-256 is enough for 256 random bits (see kit/secrets.ts).
 */
export function verifyClientSecret(
  { client }: { client: { secrets: readonly ClientSecret[] } },
  given: string,
  now: number,
): boolean {
  const hashed = digest(given);
  let right = false;
  for (const secret of liveSecrets(client.secrets, now)) if (sameSecret(secret.digest, hashed)) right = true;
  return right;
}

export function liveSecrets(secrets: readonly ClientSecret[], now: number): ClientSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
}

/** RFC 6749 appendix A.2 lets a secret be any visible ASCII or space; the length is ours. */
export function chosenSecretProblem(secret: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(secret)) return 'has characters that are not visible ASCII. Choose another.';
  if (secret.length < 8) return 'is shorter than 8 characters. Choose at least 32 random ones.';
  if (secret.length > 512) return 'is longer than 512 characters. Shorten it.';
  return undefined;
}
