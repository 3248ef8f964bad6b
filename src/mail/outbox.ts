import type { Seals } from '../kit/sealing.ts';
import type { Services } from '../services.ts';
import type { MessageBody } from './compose.ts';

/** A message as the development outbox and `latchkey outbox list` show it; other tools read this shape. */
export type OutboxMessage = {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  channel: 'email' | 'sms';
  to: string;
  subject: string;
  text: string;
  links: string[];
  codes: string[];
};

/** Only where nothing leaves and nobody else can look: messages carry codes. */
export function outboxIsOpen({ SMTP_URL, SMS_URL, issuer }: Services['settings']): boolean {
  return SMTP_URL === undefined && SMS_URL === undefined && issuer.loopback;
}

/** What waits to leave, the newest first. What has left is not kept, so with a transport there is little to see. */
export async function listOutbox(
  { db, seals }: Pick<Services, 'db' | 'seals'>,
  { limit }: { limit: number },
): Promise<OutboxMessage[]> {
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('body', '!=', '')
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(Math.min(Math.max(limit, 1), 1000))
    .execute();
  return rows.flatMap(({ id, at, channel, body }) => {
    const message = openBody(seals, body);
    if (!message) return [];
    const { to, subject, text, links, codes } = message;
    return [{ id, at: new Date(at).toISOString(), channel, to, subject, text, links, codes }];
  });
}

/** Undefined for what an older key sealed that is not kept: the rest of the list is still worth seeing. */
function openBody(seals: Seals, sealed: string): MessageBody | undefined {
  try {
    return JSON.parse(seals.open('message', sealed));
  } catch {
    return undefined;
  }
}
