import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findAccount } from '../../src/accounts/account.ts';
import { manyFailures } from '../../src/actions/risk-rules.ts';
import { twoStepOf } from '../../src/actions/second-step-methods.ts';
import { whatIsStillNeeded } from '../../src/actions/sign-in.ts';
import { submitPassword } from '../../src/actions/sign-in-password.ts';
import { readStanding } from '../../src/actions/standing.ts';
import { recordEvent } from '../../src/audit/record.ts';
import { knowBrowser } from '../../src/credentials/known-browsers.ts';
import { setPassword } from '../../src/credentials/password.ts';
import { addTotp, newTotpSecret } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import { statement } from '../../src/store/statement.ts';
import { anAccount, password, source } from '../support/account-in-use.ts';
import { giveBackupCodes, giveText, giveTotp } from '../support/second-steps.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
let accountId: string;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());
beforeEach(async () => {
  services.clock.advance(30 * minutes);
  accountId = await anAccount(services);
});

const standing = (browser?: string) => readStanding(services, { accountId, browser });

describe('where an account stands at the end of a sign-in', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['nothing', async () => {}],
    ['an authenticator app', () => giveTotp(services, accountId)],
    [
      'an app that an operator brought',
      () => addTotp(services, { accountId, secret: newTotpSecret(), name: 'x' }),
    ],
    ['a number', () => giveText(services, accountId)],
    ['backup codes', () => giveBackupCodes(services, accountId)],
  ])('asks for a second step where it is on, with %s', async (_, give) => {
    await give();
    const { on } = await twoStepOf(services, accountId);
    expect((await standing())?.asksForSecondStep).toBe(on);
  });

  it('knows the browser by its cookie, and looks at what was lately only for one that it does not know', async () => {
    for (let time = 0; time < manyFailures; time += 1)
      await recordEvent(services, {
        type: 'account.sign_in_failed',
        accountId,
        detail: { reason: 'wrong_password' },
      });
    const at = services.clock.now();
    await recordEvent(services, {
      type: 'account.signed_in',
      accountId,
      detail: { amr: ['pwd'], remember: false },
    });
    services.clock.advance(1 * minutes);
    const token = (await knowBrowser(services, { token: undefined, accountId, others: 0 }))?.token ?? '';
    const lately = { lastSignInAt: at, manyFailuresSince: at };
    expect(await standing()).toMatchObject({ knownBrowser: false, browsers: 1, ...lately });
    const forged = `${token.slice(0, -2)}${token.endsWith('xx') ? 'yy' : 'xx'}`;
    expect(await standing(forged)).toMatchObject({ knownBrowser: false, ...lately });
    const known = { knownBrowser: true, browsers: 1, lastSignInAt: null, manyFailuresSince: null };
    expect(await standing(token)).toMatchObject(known);
  });

  it('is nothing for an account that is gone', async () => {
    expect(await readStanding(services, { accountId: 'gone', browser: undefined })).toBeUndefined();
  });
});

it('starts over when another password is set while the old one is looked at', async () => {
  const account = await findAccount(services, accountId);
  const identifier = account?.contacts[0]?.written ?? '';
  const { hashQueue } = services;
  const slow = {
    ...services,
    hashQueue: {
      ...hashQueue,
      async run<Result>(work: () => Promise<Result>) {
        const looked = await hashQueue.run(work);
        services.clock.advance(1000);
        await setPassword(services, { accountId, password: 'another lagoon 45' });
        return looked;
      },
    },
  };
  const answer = await submitPassword(slow, { identifier, password, remember: false }, source);
  if (!answer.ok || answer.next.at !== 'proved') throw new Error(JSON.stringify(answer));
  const at = { interactionUid: 'one', locale: 'en', deviceTokens: [], stepUp: false, level: 0 } as const;
  expect(await whatIsStillNeeded(services, answer.next, { ...at, from: source })).toEqual({
    at: 'start',
    notice: 'start_over',
  });
});

it('keeps what builds a statement from reading the values that it is asked with', async () => {
  const spread = statement((db, given: { id: string }) => {
    const { id } = { ...given };
    return db.selectFrom('accounts').select('id').where('id', '=', id);
  });
  await expect(spread(services.db, { id: 'x' })).rejects.toThrow('one by one');
  const plain = statement((db, { id }: { id: string }) =>
    db.selectFrom('accounts').select('id').where('id', '=', id),
  );
  expect((await plain(services.db, { id: accountId })).rows).toEqual([{ id: accountId }]);
  await expect(plain(services.db, {} as { id: string })).rejects.toThrow('nothing is given for id');
});
