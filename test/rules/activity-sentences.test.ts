import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventLines, shownEvents } from '../../interactions/account/activity.ts';
import { type EventType, eventKinds } from '../../src/audit/catalogue.ts';
import { recordEvent } from '../../src/audit/record.ts';
import { locales, openWords } from '../../src/web/words.ts';
import { source } from '../support/account-in-use.ts';
import { openTestServices } from '../support/stores.ts';

const words = openWords([path.join(import.meta.dirname, '..', '..', 'interactions', 'messages')]);
const accountId = 'somebody';

describe('recent activity', () => {
  it.each(locales)('has a sentence for every event that people are shown: %s', (locale) => {
    const { t } = words.in(locale);
    const shown = (Object.keys(eventKinds) as EventType[]).filter((type) => shownEvents[type] !== null);
    const said = shown.map((type) => t(`activity.${type}`, { app: 'Bakery' }));
    expect(said.filter((sentence) => sentence.length < 5)).toEqual([]);
    expect(new Set(said).size).toBe(shown.length);
  });

  it('shows what is about the person, newest first, without the place of an operator', async () => {
    const services = await openTestServices();
    const operator = { type: 'account.created', accountId, actor: 'operator' } as const;
    await recordEvent(services, operator);
    await recordEvent(services, { type: 'account.signed_in', accountId, clientId: 'gone' }, source);
    await recordEvent(services, { type: 'tokens.issued', accountId, clientId: 'gone' }, source);
    await recordEvent(services, { type: 'consent.given', accountId, clientId: 'gone' }, source);
    await recordEvent(services, { type: 'account.locked', accountId, detail: { reason: 'a hunch' } }, source);
    await recordEvent(services, { type: 'account.signed_in', accountId: 'somebody else' }, source);
    const lines = await eventLines(services, words.in('en'), { accountId, limit: 10 });
    expect(lines.map(({ sentence, about }) => [sentence, ...about])).toEqual([
      ['Your account was locked to protect it', 'Done by Latchkey'],
      ['You gave an app that no longer exists access', 'Firefox on Linux', '192.0.2.7'],
      ['You signed in', 'Firefox on Linux', '192.0.2.7'],
      ['Your account was created', 'Done by Latchkey'],
    ]);
    await services.close();
  });
});
