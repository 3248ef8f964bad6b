import Router from '@koa/router';
import { z } from 'zod';
import { findClient } from '../../clients/registry/registry.ts';
import type { EventType } from '../../src/audit/catalogue.ts';
import { listEvents, type RecordedEvent } from '../../src/audit/list.ts';
import { accountClientId } from '../../src/oidc/account-client.ts';
import type { App, Services } from '../../src/services.ts';
import { readQuery } from '../../src/web/form.ts';
import type { Translator } from '../../src/web/words.ts';
import { appName } from './app-access.ts';
import { browserName } from './browser-name.ts';
import { places } from './places.ts';
import { showAccountPage } from './show-account-page.ts';
import { signedIn } from './signed-in.ts';

/**
 * What a person is told of each kind of event, `activity.<type>`, and the icon beside it; null for what is not about
 * them or happens with every token. A new kind of event does not compile until it was decided here.
 */
export const shownEvents: Record<EventType, string | null> = {
  'account.created': 'person',
  'account.changed': 'person',
  'account.signed_in': 'arrow',
  'account.sign_in_failed': 'alert',
  'account.second_step_failed': 'alert',
  'account.second_step_guessed': 'alert',
  'account.confirmed': 'check',
  'account.confirm_failed': 'alert',
  'account.alarm_raised': 'alert',
  'account.signed_out': 'arrow',
  'logout.undelivered': null,
  'account.suspended': 'alert',
  'account.reinstated': 'check',
  'account.locked': 'lock',
  'account.unlocked': 'check',
  'account.tries_forgiven': 'check',
  'account.deleted': null,
  'password.set': 'key',
  'password.changed': 'key',
  'password.change_failed': 'alert',
  'password.reset_requested': 'key',
  'password.reset_failed': 'alert',
  'password.reset': 'key',
  'password.off': 'alert',
  'password.known': 'alert',
  'totp.enrolled': 'shield',
  'totp.removed': 'shield',
  'text_step.enrolled': 'shield',
  'text_step.code_sent': 'shield',
  'text_step.removed': 'shield',
  'backup_codes.made': 'key',
  'backup_code.used': 'key',
  'two_step.preferred': 'shield',
  'two_step.turned_on': 'shield',
  'two_step.turned_off': 'alert',
  'approvals.turned_on': 'shield',
  'approvals.turned_off': 'shield',
  'approval.asked': 'device',
  'approval.given': 'check',
  'approval.refused': 'alert',
  'risk_check.asked': 'alert',
  'risk_check.skipped': null,
  'risk_check.passed': 'check',
  'risk_check.failed': 'alert',
  'trusted_device.added': 'device',
  'trusted_device.renamed': null,
  'trusted_device.removed': 'device',
  'trusted_device.refused': 'alert',
  'trusted_devices.dropped': 'device',
  'passkey.added': 'key',
  'passkey.renamed': 'key',
  'passkey.removed': 'key',
  'passkey.refused': 'alert',
  'passkey.copy_suspected': 'alert',
  'contact.proved': 'mail',
  'contact.displaced': 'mail',
  'consent.given': 'apps',
  'consent.denied': 'apps',
  'consent.withdrawn': 'apps',
  'device.allowed': 'device',
  'device.denied': 'device',
  'ciba.asked': 'device',
  'ciba.allowed': 'device',
  'ciba.denied': 'device',
  'session.ended': 'device',
  'sessions.ended': 'device',
  'grant.revoked': 'apps',
  'code.reuse_detected': 'alert',
  'refresh_token.reuse_detected': 'alert',
  'refresh_token.odd_use': 'alert',
  'client.created': null,
  'api.created': null,
  'api.updated': null,
  'api.deleted': null,
  'client.updated': null,
  'client.deleted': null,
  'client.verified': null,
  'registration_token.made': null,
  'registration_token.revoked': null,
  'client.disabled': null,
  'client.enabled': null,
  'client.secret_rotated': null,
  'client.authentication_failed': null,
  'tokens.exchanged': null,
  'tokens.issued': null,
  'keys.rotated': null,
  'keys.retired': null,
  'limit.hit': null,
  'server.started': null,
};

const types = (Object.keys(shownEvents) as EventType[]).filter((type) => shownEvents[type] !== null);
const onOnePage = 20;
const pageQuery = z.object({
  before: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
});

/** What happened in the account, newest first, in plain sentences, from the audit record. */
export function activityPage(app: App): Router {
  const router = new Router();
  router.get(
    places.activity,
    signedIn(app, 'activity', async (ctx, { account }) => {
      const { words } = ctx.state;
      const { before } = readQuery(ctx, pageQuery);
      const lines = await eventLines(app, words, { accountId: account.id, before, limit: onOnePage + 1 });
      const shown = lines.slice(0, onOnePage);
      const last = lines.length > onOnePage ? shown.at(-1) : undefined;
      await showAccountPage(ctx, {
        template: 'activity',
        account,
        under: 'activity',
        title: words.t('activity.title'),
        view: {
          lines: shown,
          older: last && `${places.activity}?before=${last.id}`,
          newest: before && places.activity,
        },
      });
    }),
  );
  return router;
}

export async function eventLines(
  services: Pick<Services, 'db' | 'settings'>,
  words: Translator,
  { accountId, before, limit }: { accountId: string; before?: string | undefined; limit: number },
) {
  const events = await listEvents(services, { accountId, before, types, limit });
  const names = await appNames(services, words, events);
  const brand = services.settings.BRAND_NAME;
  return events.map((event) => {
    const app = event.clientId === null ? undefined : names.get(event.clientId);
    const sentence = words.t(`activity.${event.type}`, { app: app ?? words.t('activity.unknown_app') });
    const inApp = event.type.startsWith('account.') && app ? words.t('activity.in_app', { app }) : undefined;
    const where = event.userAgent === null ? undefined : browserName(words, event.userAgent);
    const by = event.actor === 'operator' ? words.t('activity.by_operator', { brand }) : undefined;
    return {
      id: event.id,
      at: event.at,
      icon: shownEvents[event.type] ?? 'info',
      sentence,
      // Of an operator's act, neither the operator's place nor their browser is the person's business.
      about: by ? [by] : [inApp, where, event.ip].filter((one) => typeof one === 'string'),
    };
  });
}

async function appNames(
  services: Pick<Services, 'db'>,
  words: Translator,
  events: readonly RecordedEvent[],
): Promise<Map<string, string>> {
  const ids = new Set(events.flatMap(({ clientId }) => clientId ?? []));
  ids.delete(accountClientId);
  const clients = await Promise.all([...ids].map((clientId) => findClient(services, clientId)));
  return new Map(
    clients.flatMap((client) => (client ? [[client.clientId, appName(client, words.locale)]] : [])),
  );
}
