import { eventKinds } from '../../src/audit/catalogue.ts';
import { code, type Manual, page, table } from './markdown.ts';

export const auditEventsManual: Manual = {
  file: 'audit-events.md',
  print: () =>
    page(
      'Audit events',
      'Everything that is recorded, and the details that an event may carry. The names do not change between versions. ' +
        '`latchkey audit list` shows the events and `latchkey audit verify` finds rows that were changed or removed.',
      table(
        ['Event', 'Who, unless told otherwise', 'Meaning', 'Details'],
        Object.entries(eventKinds).map(([type, { actor, description, detail }]) => [
          code(type),
          actor,
          description,
          Object.keys(detail.shape).map(code).join(', '),
        ]),
      ),
    ),
};
