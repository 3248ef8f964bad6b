import { limits } from '../../src/limits/limits.ts';
import { pressures } from '../../src/limits/pressure.ts';
import { mostKnownBrowsers, triesOfKnownBrowser, waits } from '../../src/limits/waits.ts';
import { code, type Manual, page, table } from './markdown.ts';

export const limitsManual: Manual = {
  file: 'limits.md',
  print: () =>
    page(
      'Limits',
      'How often something may be tried.',
      '## By sender, mailbox, number and everybody',
      'These counters live in the live state: all processes share them and they outlive a restart. An IPv6 address counts by its /64, a ' +
        'network is a /48.',
      limitsTable((kept) => !kept),
      '## Pressure',
      'From so many on, a page asks for a proof of work (`CHALLENGE_BITS`). Counted is what went wrong or cost something, not what is under way.',
      table(
        ['Page', 'Counts', 'Within', 'By address', 'By network', 'By everyone'],
        Object.entries(pressures).map(([door, { counts, windowMs, address, network, everyone }]) => [
          code(door),
          counts,
          spoken(windowMs),
          ...[address, network, everyone].map(String),
        ]),
      ),
      '## By account',
      'These live in the records: neither a restart nor the loss of the live state forgets them. First, what wears out the owner of an account:',
      limitsTable((kept) => kept),
      'Then wrong tries in a row at an account. They start ' +
        `anew when a sign-in is complete. A browser that signed in before has ${triesOfKnownBrowser} tries of its own of each kind, ` +
        `and ${mostKnownBrowsers} browsers of an account are known.`,
      table(
        ['Of', 'Free', 'Then each waits', 'Off after', 'Why'],
        Object.entries(waits).map(([proof, { free, steps, offAfter, why }]) => [
          code(proof),
          String(free),
          `${steps.map(spoken).join(', ')}; and so on`,
          offAfter === undefined ? 'never' : String(offAfter),
          why,
        ]),
      ),
    ),
};

function limitsTable(belongs: (kept: boolean) => boolean): string {
  return table(
    ['Limit', 'At most', 'Within', 'Counted by', 'Why'],
    Object.entries(limits)
      .filter(([, limit]) => belongs('kept' in limit))
      .map(([name, { max, windowMs, keyedBy, why }]) => [
        code(name),
        String(max),
        spoken(windowMs),
        keyedBy,
        why,
      ]),
  );
}

function spoken(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes % 1440 === 0) return minutes === 1440 ? 'a day' : `${minutes / 1440} days`;
  if (minutes % 60 === 0) return minutes === 60 ? 'an hour' : `${minutes / 60} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
