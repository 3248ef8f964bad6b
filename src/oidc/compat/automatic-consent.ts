import { recordEvent } from '../../audit/record.ts';
import { compatMarker, isAutomatic } from '../../consents/compat-scopes.ts';
import { findConsent, recordConsent } from '../../consents/consent.ts';
import type { Services } from '../../services.ts';
import type { RequestSource } from '../../web/request-source.ts';

/**
 * An app of this kind that asks for nothing but who somebody is (`profile:user_id`, a name that only its company knows) gets
 * it with the sign-in, without a page. It is recorded like any consent, so the person finds the app in their account and can
 * remove it there.
 */
export async function allowAutomatic(
  context: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { accountId, clientId }: { accountId: string; clientId: string },
  requested: readonly string[],
  from: RequestSource,
): Promise<void> {
  if (!requested.includes(compatMarker) || !requested.every(isAutomatic)) return;
  const before = await findConsent(context, { accountId, clientId });
  if (requested.every((name) => before?.allowed.includes(name))) return;
  await recordConsent(context, { accountId, clientId, allowed: requested, declined: [] });
  const detail = { allowed: [...requested], declined: [] };
  await recordEvent(context, { type: 'consent.given', accountId, clientId, detail }, from);
}
