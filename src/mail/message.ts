import { hours } from '../kit/durations.ts';
import { orderedIds } from '../kit/ordered-ids.ts';
import type { Services } from '../services.ts';
import { wakeQueue } from '../store/queues.ts';
import type { Locale } from '../web/words.ts';
import { composeEmail, composeSms, type MessageBody } from './compose.ts';
import { codeLifetime, type Told, templateOf } from './templates.ts';

/**
 * Messages to people, by e-mail and by text message: what there is to say (templates.ts, messages/), how it is said
 * (compose.ts), and how it leaves (delivery.ts, transports.ts). Owns the table messages. A message is first written
 * down, sealed, and leaves by itself later: a slow or dead mail server delays no page, and a restart loses nothing.
 */
export type MessageAddress = { channel: 'email' | 'phone'; written: string };

const nextId = orderedIds();

/**
 * Writes a message down to be sent. `to: undefined` is for answers that must take the same time whether or not there is
 * somebody to write to: the same work is done, and nothing is sent. `path`: a page of ours in the place of the template's.
 */
export async function sendMessage(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'settings' | 'log'>,
  {
    to,
    locale,
    path,
    ...told
  }: { to: MessageAddress | undefined; locale: Locale; path?: string | undefined } & Told,
): Promise<void> {
  const { db, clock, seals, settings, log } = services;
  const channel = to?.channel === 'phone' ? 'sms' : 'email';
  if (channel === 'sms' && !canText(settings)) {
    log.warn({ template: told.template }, 'a text message was not sent: SMS_URL is not set');
    return;
  }
  const compose = channel === 'sms' ? composeSms : composeEmail;
  const composed = compose(services, told, locale, path);
  const now = clock.now();
  const until = now + (templateOf(told.template).code ? codeLifetime : 24 * hours);
  const body: MessageBody = { ...composed, to: written(to), until };
  const sealed = seals.seal('message', JSON.stringify(body));
  await db
    .insertInto('messages')
    .values({
      id: nextId(now),
      at: now,
      channel,
      body: to ? sealed : '',
      sent_at: to ? null : now,
      attempts: 0,
      next_attempt_at: now,
    })
    .execute();
  wakeQueue(db, 'messages');
}

/** Whether text messages can be sent at all; without it, phone numbers are no way to prove or recover anything. */
export function canText({ SMS_URL, issuer }: Services['settings']): boolean {
  return SMS_URL !== undefined || issuer.loopback;
}

/** A number in E.164, as gateways want it; an e-mail address as it is. */
function written(to: MessageAddress | undefined): string {
  if (to?.channel === 'phone') return to.written.replaceAll(/[^+\d]/g, '');
  return to?.written ?? '';
}
