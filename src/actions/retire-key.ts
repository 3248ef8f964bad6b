import { recordEvent } from '../audit/record.ts';
import { retireKey as retire } from '../oidc/keys/signing-keys.ts';
import type { Services } from '../services.ts';

/**
 * Takes a signing key out at once: what it signed is no longer recognised. `replace`: where nothing else signs
 * for its algorithm, a new one does at once. For a key that leaked.
 */
export async function retireKey(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { kid, replace = false }: { kid: string; replace?: boolean },
): ReturnType<typeof retire> {
  const retired = await retire(services, { kid, replace });
  if (retired.ok && retired.replacement)
    await recordEvent(services, { type: 'keys.rotated', detail: { kids: [retired.replacement] } });
  if (retired.ok) await recordEvent(services, { type: 'keys.retired', detail: { kids: [kid] } });
  return retired;
}
