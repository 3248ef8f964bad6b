import { rotateClientSecret as rotate } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * Gives the app a new secret, which is in the answer and nowhere else afterwards. The old ones stay right for
 * `overlapMs`; 0 for a secret that leaked.
 */
export async function rotateClientSecret(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  given: { clientId: string; overlapMs: number; clientSecret?: string },
  from?: RequestSource,
): ReturnType<typeof rotate> {
  const rotated = await rotate(services, given);
  if (!rotated.ok) return rotated;
  await recordEvent(
    services,
    {
      type: 'client.secret_rotated',
      clientId: given.clientId,
      detail: { old_secret_expires_at: rotated.oldSecretsEndAt },
    },
    from,
  );
  return rotated;
}
