import { fetchLogo } from '../../clients/registry/fetch-logo.ts';
import { type Logo, readDataUri } from '../../clients/registry/logo.ts';
import { findLogo, removeLogo, storeLogo } from '../../clients/registry/logos.ts';
import type { Services } from '../services.ts';

/** What is to become of an app's logo. Undefined: it stays. */
export type LogoWish =
  | { is: 'given'; logo: Logo; source: 'file' | 'data' }
  /** `again`: also when our copy came from this very address. */
  | { is: 'address'; address: string; again: boolean }
  | { is: 'none' };

/** `logo` is one handed in beside the metadata, or null to have none; it wins over the member `logo_uri`. */
export function logoWish({
  logo,
  logoUri,
  whole,
}: {
  logo: Logo | null | undefined;
  logoUri: unknown;
  whole: boolean;
}): LogoWish | undefined {
  if (logo) return { is: 'given', logo, source: 'file' };
  if (logo === null || logoUri === null) return { is: 'none' };
  if (typeof logoUri !== 'string') return whole ? { is: 'none' } : undefined;
  if (!logoUri.startsWith('data:')) return { is: 'address', address: logoUri, again: !whole };
  const read = readDataUri(logoUri);
  if (!read.ok) throw new Error('a logo that was not checked with the metadata');
  return { is: 'given', logo: read.logo, source: 'data' };
}

/**
 * Brings an app's logo to what was wished. One that cannot be fetched is said and stops nothing: the app works without,
 * and what people saw until now stays.
 */
export async function keepClientLogo(
  services: Pick<Services, 'db' | 'clock' | 'settings'>,
  clientId: string,
  wish: LogoWish | undefined,
): Promise<{ changed: boolean; notes: string[] }> {
  switch (wish?.is) {
    case undefined:
      return { changed: false, notes: [] };
    case 'none':
      return { changed: await removeLogo(services, clientId), notes: [] };
    case 'given':
      return { changed: await storeLogo(services, { clientId, ...wish }), notes: [] };
    case 'address':
      return fetchAndKeep(services, clientId, wish);
  }
}

async function fetchAndKeep(
  services: Pick<Services, 'db' | 'clock' | 'settings'>,
  clientId: string,
  { address, again }: { address: string; again: boolean },
): Promise<{ changed: boolean; notes: string[] }> {
  const before = await findLogo(services, clientId);
  if (before?.source === address && !again) return { changed: false, notes: [] };
  const fetched = await fetchLogo(services, address);
  if (fetched.ok) {
    const { logo } = fetched;
    return { changed: await storeLogo(services, { clientId, logo, source: address }), notes: [] };
  }
  const shown = before ? 'the logo it had stays' : "the app's initial is shown";
  const note = `logo_uri ${fetched.problem} Until then ${shown}; try again with \`latchkey apps update ${clientId} --logo-uri ${address}\`, or hand in a file with --logo-file.`;
  return { changed: false, notes: [note] };
}
