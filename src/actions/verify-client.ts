import { verifyClient as verify } from '../../clients/registry/registration.ts';
import { recordEvent } from '../audit/record.ts';
import type { Services } from '../services.ts';

/** An operator vouches for an app that registered itself: people are no longer told that nobody looked at it. */
export async function verifyClient(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { clientId }: { clientId: string },
): ReturnType<typeof verify> {
  const verified = await verify(services, clientId);
  if (verified.ok && verified.changed) await recordEvent(services, { type: 'client.verified', clientId });
  return verified;
}
