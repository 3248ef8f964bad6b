import { printable } from '../kit/printable.ts';
import type { Services } from '../services.ts';
import { describeError } from '../web/log.ts';
import type { RequestSource } from '../web/request-source.ts';
import { append, type Row } from './append.ts';
import type { AuditEvent } from './catalogue.ts';
import { eventKind } from './catalogue.ts';

/**
 * The record of what happened: append only, outlives the accounts and apps it speaks of. This file is the one way to
 * write it, catalogue.ts says what there is to write, list.ts reads it, verify.ts finds what was tampered with.
 *
 * An event that cannot be written is an error of the act itself: recordEvent throws, and what it was to record should
 * not have happened or is reported as failed. Only kinds marked mayBeLost go on, and then stand in the log.
 * Not inside a transaction: the record must stay when the transaction is rolled back, and the embedded store has one connection.
 */
export async function recordEvent(
  { db, clock, seals, log }: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  event: AuditEvent,
  from?: RequestSource,
): Promise<void> {
  const row = toRow(event, from, clock.now());
  try {
    await append(db, seals, row);
    log.info(loggable(row), 'audit event');
  } catch (error) {
    log.error(
      { ...loggable(row), detail: row.detail, error: describeError(error) },
      'audit event not recorded',
    );
    if (!eventKind(event.type).mayBeLost) throw error;
  }
}

/**
 * For what machines do all day and nobody waits for: written within a tenth of a second, together with what else comes
 * meanwhile. Only of kinds that may be lost, and then they stand in the log.
 */
export function recordSoon(
  { db, clock, seals, log }: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  event: AuditEvent,
  from?: RequestSource,
): void {
  const row = toRow(event, from, clock.now());
  if (!eventKind(event.type).mayBeLost) throw new Error(`${event.type} is recorded before the act goes on`);
  log.debug(loggable(row), 'audit event');
  append(db, seals, row, { soon: true }).catch((error: unknown) =>
    log.error(
      { ...loggable(row), detail: row.detail, error: describeError(error) },
      'audit event not recorded',
    ),
  );
}

function toRow(event: AuditEvent, from: RequestSource | undefined, at: number): Row {
  const { actor, detail } = eventKind(event.type);
  return {
    at,
    type: event.type,
    account_id: cut(event.accountId, 64),
    client_id: cut(event.clientId, 200),
    actor: event.actor ?? actor,
    ip: cut(from?.ip, 64),
    user_agent: cut(from?.userAgent, 400),
    session_uid: cut(event.sessionUid, 64),
    request_id: cut(from?.requestId, 64),
    detail: JSON.stringify(detail.parse(event.detail ?? {})),
  };
}

function cut(text: string | undefined, most: number): string | null {
  return text === undefined ? null : printable(text, most);
}

/** One line an event, without what tells of a person more than the account's random id. */
function loggable(row: Row) {
  const { type, actor, account_id, client_id, session_uid, request_id } = row;
  return { event: type, actor, account_id, client_id, session_uid, request_id };
}
