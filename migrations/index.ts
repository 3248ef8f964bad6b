import type { Migration } from 'kysely/migration';
import * as accounts from './0001-accounts.ts';
import * as credentials from './0002-credentials.ts';
import * as clients from './0003-clients.ts';
import * as consents from './0004-consents.ts';
import * as audit from './0005-audit.ts';
import * as server from './0006-server.ts';
import * as clientLogos from './0007-client-logos.ts';
import * as failures from './0008-failures.ts';
import * as secondSteps from './0009-second-steps.ts';
import * as alarms from './0010-alarms.ts';
import * as passkeys from './0011-passkeys.ts';
import * as toldChanges from './0012-told-changes.ts';
import * as registration from './0013-registration.ts';
import * as apis from './0014-apis.ts';
import * as cibaPings from './0015-ciba-pings.ts';
import * as approvals from './0017-approvals.ts';
import * as logoutNotices from './0019-logout-notices.ts';
import * as stoppedApps from './0020-stopped-apps.ts';
import * as keptLimits from './0021-kept-limits.ts';
import * as usedBy from './0022-used-by.ts';

/** Forward only, in this order, never edited once released: a change is a new file. */
export const migrations: Record<string, Migration> = {
  '0001-accounts': accounts,
  '0002-credentials': credentials,
  '0003-clients': clients,
  '0004-consents': consents,
  '0005-audit': audit,
  '0006-server': server,
  '0007-client-logos': clientLogos,
  '0008-failures': failures,
  '0009-second-steps': secondSteps,
  '0010-alarms': alarms,
  '0011-passkeys': passkeys,
  '0012-told-changes': toldChanges,
  '0013-registration': registration,
  '0014-apis': apis,
  '0017-approvals': approvals,
  '0019-logout-notices': logoutNotices,
  '0020-stopped-apps': stoppedApps,
  '0021-kept-limits': keptLimits,
  '0022-used-by': usedBy,
  '0015-ciba-pings': cibaPings,
};
