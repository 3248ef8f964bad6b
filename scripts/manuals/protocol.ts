import { code, type Manual, page, table } from './markdown.ts';
import { type Spoken, spokenParts } from './spoken.ts';

const foundIn = (found: Spoken['found'] = {}) =>
  Object.entries(found)
    .map(([name, values]) => [code(name), values.map(code).join(', ')].filter(Boolean).join(': '))
    .join('; ');

export const protocolManual: Manual = {
  file: 'protocol.md',
  print: () =>
    page(
      'The protocol',
      'What is spoken, after which sections, what turns it on, and the members of the discovery document that say so. What stands ' +
        'under a name in small letters is a member of an app (RFC 7591), in capitals a setting. What is missing or chosen ' +
        'otherwise stands in [divergences.md](../divergences.md).',
      ...Object.entries(spokenParts).flatMap(([title, rows]) => [
        `## ${title}`,
        table(
          ['What', 'Standard', 'Turned on by', 'In discovery'],
          rows.map(({ what, standard, by = '', found }) => [what, standard, by, foundIn(found)]),
        ),
      ]),
    ),
};
