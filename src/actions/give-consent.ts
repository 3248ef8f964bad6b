import type { Client } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import { compatMarker } from '../consents/compat-scopes.ts';
import { findConsent, recordConsent } from '../consents/consent.ts';
import { isGrantable, scopeRules } from '../consents/scopes.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { notifyAccount } from './notify-account.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;

/**
 * A person lets an app see what its scopes name. Giving access is recorded first and takes effect after: the engine's
 * grant is minted from this record (finishConsent), so a crash between the two costs a click and leaks nothing.
 *
 * `asked` are the scopes the page showed, `ticked` those optional ones that were left ticked. What must be for the app to
 * work at all is allowed by the button itself.
 */
export async function giveConsent(
  app: Context,
  {
    accountId,
    client,
    asked,
    ticked,
    details = [],
    locale,
    quietly = false,
    isOptional = (scope) => scopeRules(scope).optional,
  }: {
    accountId: string;
    client: Client;
    asked: readonly string[];
    ticked: readonly string[];
    /** The kinds of what was allowed for this once (RFC 9396). */
    details?: readonly string[];
    locale: Locale;
    /** Where the caller tells the person more than that. */
    quietly?: boolean;
    /** Where the request says which scopes may be left out (src/consents/compat-scopes.ts). */
    isOptional?: (scope: string) => boolean;
  },
  from: RequestSource,
): Promise<{ allowed: string[]; declined: string[] }> {
  const { clientId } = client;
  const known = asked.filter(isGrantable);
  const allowed = known.filter((scope) => !isOptional(scope) || ticked.includes(scope));
  const declined = known.filter((scope) => !allowed.includes(scope));
  const before = await findConsent(app, { accountId, clientId });
  await recordConsent(app, { accountId, clientId, allowed, declined });
  await recordEvent(
    app,
    {
      type: 'consent.given',
      accountId,
      clientId,
      detail: { allowed, declined, ...(details.length > 0 ? { details: [...details] } : {}) },
    },
    from,
  );
  // Access while the person is away is what somebody else at their keyboard would want: they are told (AC-13).
  const lasting = ['offline_access', compatMarker].some(
    (scope) => allowed.includes(scope) && !before?.allowed.includes(scope),
  );
  if (lasting && !quietly)
    await notifyAccount(app, {
      accountId,
      pageLocale: locale,
      template: 'app_connected',
      values: { app: client.metadata.client_name },
    });
  return { allowed, declined };
}
