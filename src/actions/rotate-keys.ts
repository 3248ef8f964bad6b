import { recordEvent } from '../audit/record.ts';
import type { Algorithm } from '../oidc/keys/signing-keys.ts';
import { ensureSigningKeys, rotateKeys as rotate } from '../oidc/keys/signing-keys.ts';
import type { Services } from '../services.ts';

/**
 * Makes new signing keys, for one algorithm or all. They are published now and sign once apps have had time to see them,
 * or `atOnce` when a key is no longer to be trusted. Running servers take them up by themselves.
 */
export async function rotateKeys(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { only, atOnce = false }: { only?: Algorithm | undefined; atOnce?: boolean | undefined },
): Promise<{ kids: string[]; signsFrom: number }> {
  // On a store that no server has used yet, the algorithms that are not rotated need their first key too.
  await ensureSigningKeys(services);
  const rotated = await rotate(services, { atOnce, ...(only ? { only } : {}) });
  await recordEvent(services, { type: 'keys.rotated', detail: { kids: rotated.kids } });
  return rotated;
}
