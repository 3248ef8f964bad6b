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
  if (!requested.includes(compatMarker)) return;
  const before = await findConsent(context, { accountId, clientId });
  const decided = new Set([...(before?.allowed ?? []), ...(before?.declined ?? [])]);
  const allowed = requested.filter((name) => !decided.has(name));
  if (allowed.length === 0 || !allowed.every(isAutomatic)) return;
  await recordConsent(context, { accountId, clientId, allowed, declined: [] });
  const detail = { allowed, declined: [] };
  await recordEvent(context, { type: 'consent.given', accountId, clientId, detail }, from);
}
