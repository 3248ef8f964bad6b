import { z } from 'zod';
import { type EventType, eventKinds } from '../audit/catalogue.ts';
import { listEvents } from '../audit/list.ts';
import { verifyAudit } from '../audit/verify.ts';
import { listOutbox } from '../mail/outbox.ts';
import { command, several, wholeNumber, yes } from './command.ts';
import { accountFlags, withAccount } from './find-account.ts';
import { counted, moment, table } from './lines.ts';

/** What is only read: the audit record and the messages that wait. */
const limit = wholeNumber(1, 1000).default(50).meta({ description: 'How many at most; default 50.' });

const listAudit = command({
  name: 'audit list',
  summary: 'Show what happened, the newest first.',
  word: 'account',
  flags: {
    ...accountFlags,
    clientId: z.string().optional().meta({ description: 'Only what is about this app.' }),
    type: several
      .refine(
        (names) => names.every((name) => Object.hasOwn(eventKinds, name)),
        'is no event. See docs/manual/audit-events.md.',
      )
      .optional()
      .meta({ description: 'Only events of this type.' }),
    before: z.string().optional().meta({ description: 'Older than the event with this id: to page on.' }),
    limit,
  },
  async run(desk, { account, email, type, ...flags }) {
    const services = await desk.services();
    const list = async (accountId?: string) => {
      const events = await listEvents(services, {
        ...flags,
        accountId,
        types: type as EventType[] | undefined,
      });
      const shown = events.map(({ at, accountId, clientId, userAgent, sessionUid, requestId, ...event }) => ({
        ...event,
        at: new Date(at).toISOString(),
        account_id: accountId,
        client_id: clientId,
        user_agent: userAgent,
        session: sessionUid,
        request_id: requestId,
      }));
      return yes(
        shown,
        table(
          ['at', 'event', 'by', 'account', 'app', 'from', 'detail'],
          events.map((one) => [
            moment(one.at),
            one.type,
            one.actor,
            one.accountId ?? undefined,
            one.clientId ?? undefined,
            one.ip ?? undefined,
            JSON.stringify(one.detail),
          ]),
        ),
      );
    };
    if (account === undefined && email === undefined) return list();
    return withAccount(services, { account, email }, ({ id }) => list(id));
  },
});

const verify = command({
  name: 'audit verify',
  summary: 'Check that nothing in the audit record was changed or removed; exit status 1 when something was.',
  flags: {},
  async run(desk) {
    const found = await verifyAudit(await desk.services());
    const summary = `${counted(found.events, 'event')} in ${counted(found.chains, 'chain')}: `;
    return {
      ok: true,
      data: found,
      lines: [
        summary +
          (found.problems.length === 0 ? 'nothing was changed.' : counted(found.problems.length, 'problem')),
        ...found.problems.map((one) => `${one.problem} at event ${one.id} (chain ${one.chain}, ${one.seq})`),
      ],
      failed: found.problems.length > 0,
    };
  },
});

const outbox = command({
  name: 'outbox list',
  summary: 'Show the messages that wait to leave, the newest first. They may carry codes.',
  flags: { limit },
  async run(desk, flags) {
    const messages = await listOutbox(await desk.services(), flags);
    return yes(
      messages,
      messages.flatMap((one) => [
        `${one.at}  ${one.channel}  ${one.to}  ${one.subject}`,
        ...one.text.split('\n').map((line) => `    ${line}`),
        '',
      ]),
    );
  },
});

export const recordCommands = [listAudit, verify, outbox];
