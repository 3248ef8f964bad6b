import { recordEvent } from '../audit/record.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * A person does not let an app in. Nothing is kept but the event: what was allowed before stays allowed, what was not
 * is asked again when the app asks again.
 */
export async function refuseConsent(
  app: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { accountId, clientId, scopes }: { accountId: string; clientId: string; scopes: string[] },
  from: RequestSource,
): Promise<void> {
  await recordEvent(app, { type: 'consent.denied', accountId, clientId, detail: { scopes } }, from);
}
