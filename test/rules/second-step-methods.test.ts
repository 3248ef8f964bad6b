import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { removeSecondStep } from '../../src/actions/remove-second-step.ts';
import { kindNamed, secondStepKinds } from '../../src/actions/second-step-kinds.ts';
import { methodName, secondStepMethods, twoStepOf } from '../../src/actions/second-step-methods.ts';
import { turnOffTwoStep } from '../../src/actions/turn-off-two-step.ts';
import { warnOfGuesses } from '../../src/actions/warn-of-guesses.ts';
import { addTotp, listTotp, newTotpSecret } from '../../src/credentials/totp.ts';
import { changeTwoStep, prefer } from '../../src/credentials/two-step.ts';
import { hours, minutes } from '../../src/kit/durations.ts';
import { anAccount, aSession, source, subjectsSent } from '../support/account-in-use.ts';
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

const kinds = async () => (await secondStepMethods(services, accountId)).map(({ kind }) => kind);

describe('what an account has', () => {
  it('is nothing at first, and then no second step is asked', async () => {
    expect(await twoStepOf(services, accountId)).toEqual({ on: false, methods: [], onlyOne: false });
  });

  it('stands with the stronger before the weaker, whatever came first', async () => {
    await giveText(services, accountId);
    await giveBackupCodes(services, accountId);
    await giveTotp(services, accountId);
    expect(await kinds()).toEqual(['totp', 'text', 'backup_code']);
  });

  it('stands with the preferred one before all others', async () => {
    await giveTotp(services, accountId);
    const text = await giveText(services, accountId);
    await changeTwoStep(services, accountId, (tx) => prefer(tx, accountId, `text.${text}`));
    const methods = await secondStepMethods(services, accountId);
    expect(methods.map((one) => [methodName(one).split('.')[0], one.preferred])).toEqual([
      ['text', true],
      ['totp', false],
    ]);
  });

  it('is on by an app that an operator brought along, with nothing else written', async () => {
    await addTotp(services, { accountId, secret: newTotpSecret(), name: 'Moved' });
    expect(await twoStepOf(services, accountId)).toMatchObject({ on: true, onlyOne: true });
  });

  it('hangs by one thread until there is another, or backup codes', async () => {
    await giveTotp(services, accountId);
    expect((await twoStepOf(services, accountId)).onlyOne).toBe(true);
    await giveBackupCodes(services, accountId);
    expect((await twoStepOf(services, accountId)).onlyOne).toBe(false);
  });

  it('says of a text message that it is weaker, and of no other', async () => {
    await giveText(services, accountId);
    await giveTotp(services, accountId);
    const methods = await secondStepMethods(services, accountId);
    expect(methods.filter(({ weak }) => weak).map(({ kind }) => kind)).toEqual(['text']);
  });

  it('knows no e-mail', () => {
    expect(secondStepKinds().map(({ kind }) => kind)).not.toContain('email');
    expect(() => kindNamed('email' as never)).toThrow('no second step');
  });
});

describe('removing', () => {
  const remove = async (id: string, sessionUid: string) =>
    removeSecondStep(services, { accountId, sessionUid, kind: 'totp', id }, source);

  it('never takes the last that stands alone; backup codes do not', async () => {
    const { id } = await giveTotp(services, accountId);
    await giveBackupCodes(services, accountId);
    expect(await remove(id, await aSession(services, accountId))).toEqual({ ok: false, reason: 'last' });
    expect(await listTotp(services, accountId)).toHaveLength(1);
  });

  it('of ten at once leaves one (MF-17)', async () => {
    const made: { id: string }[] = [];
    for (let app = 0; app < 10; app += 1) made.push(await giveTotp(services, accountId, `App ${app}`));
    const session = await aSession(services, accountId);
    const answers = await Promise.all(made.map(({ id }) => remove(id, session)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(9);
    expect(await listTotp(services, accountId)).toHaveLength(1);
  });

  it('is all of it only when it is turned off, and then nothing is asked', async () => {
    await giveTotp(services, accountId);
    await giveText(services, accountId);
    await giveBackupCodes(services, accountId);
    const sessionUid = await aSession(services, accountId);
    expect(await turnOffTwoStep(services, { accountId, sessionUid }, source)).toEqual({ removed: 3 });
    expect(await twoStepOf(services, accountId)).toEqual({ on: false, methods: [], onlyOne: false });
    expect(await subjectsSent(services)).toContain(
      'email: Two-step verification was turned off for your Latchkey account',
    );
  });
});

describe('somebody who knows the password and guesses at the rest', () => {
  it('is told of once a day, however often', async () => {
    const warn = () => warnOfGuesses(services, { accountId, locale: 'en' }, source);
    const told = async () =>
      (await subjectsSent(services)).filter((one) => one.startsWith('email: Somebody knows')).length;
    const before = await told();
    for (let times = 0; times < 3; times += 1) await warn();
    expect((await told()) - before).toBe(1);
    services.clock.advance(24 * hours + 1);
    await warn();
    expect((await told()) - before).toBe(2);
  });
});
