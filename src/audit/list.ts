import type { Services } from '../services.ts';
import type { AuditEventsTable } from '../store/tables.ts';
import type { Actor, EventType } from './catalogue.ts';

/** An event as it was recorded. `detail` has the members that the catalogue lists for its type. */
export type RecordedEvent = {
  /** Pass it as `before` to go on from here. */
  id: string;
  at: number;
  type: EventType;
  accountId: string | null;
  clientId: string | null;
  actor: Actor;
  ip: string | null;
  userAgent: string | null;
  sessionUid: string | null;
  requestId: string | null;
  detail: Record<string, unknown>;
};

/** The newest first; at most `limit` (1 to 1000), older than the event `before`, only of `types` when given. */
export async function listEvents(
  { db }: Pick<Services, 'db'>,
  {
    accountId,
    clientId,
    types,
    before,
    limit,
  }: {
    accountId?: string | undefined;
    clientId?: string | undefined;
    types?: readonly EventType[] | undefined;
    before?: string | undefined;
    limit: number;
  },
): Promise<RecordedEvent[]> {
  let query = db.selectFrom('audit_events').selectAll();
  if (accountId !== undefined) query = query.where('account_id', '=', accountId);
  if (clientId !== undefined) query = query.where('client_id', '=', clientId);
  if (types !== undefined) query = query.where('type', 'in', types);
  if (before !== undefined) query = query.where('id', '<', before);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(Math.min(Math.max(limit, 1), 1000))
    .execute();
  return rows.map(toEvent);
}

function toEvent(row: AuditEventsTable): RecordedEvent {
  return {
    id: row.id,
    at: row.at,
    type: row.type as EventType,
    accountId: row.account_id,
    clientId: row.client_id,
    actor: row.actor as Actor,
    ip: row.ip,
    userAgent: row.user_agent,
    sessionUid: row.session_uid,
    requestId: row.request_id,
    detail: JSON.parse(row.detail),
  };
}
