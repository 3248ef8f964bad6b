import { recordEvent } from '../audit/record.ts';
import { retireKey as retire } from '../oidc/signing-keys.ts';
import type { Services } from '../services.ts';

/** Takes a signing key out at once: what it signed is no longer recognised. For a key that leaked. */
export async function retireKey(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { kid }: { kid: string },
): ReturnType<typeof retire> {
  const retired = await retire(services, { kid });
  if (retired.ok) await recordEvent(services, { type: 'keys.retired', detail: { kids: [kid] } });
  return retired;
}
