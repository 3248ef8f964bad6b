import { addRegistrationToken, removeRegistrationToken } from '../../clients/registry/registration-tokens.ts';
import { recordEvent } from '../audit/record.ts';
import type { Services } from '../services.ts';

type Context = Pick<Services, 'db' | 'clock' | 'seals' | 'log'>;

/** Makes a token with which `uses` apps can register themselves. Its text is in the answer and nowhere else afterwards. */
export async function makeRegistrationToken(
  services: Context,
  given: { note: string; uses: number; lifetimeMs: number },
): ReturnType<typeof addRegistrationToken> {
  const made = await addRegistrationToken(services, given);
  await recordEvent(services, {
    type: 'registration_token.made',
    detail: { id: made.id, uses: made.usesLeft, expires_at: made.expiresAt },
  });
  return made;
}

/** Apps that registered with it stay. False when there was none. */
export async function revokeRegistrationToken(services: Context, id: string): Promise<boolean> {
  const removed = await removeRegistrationToken(services, id);
  if (removed) await recordEvent(services, { type: 'registration_token.revoked', detail: { id } });
  return removed;
}
