import { generate } from 'otplib';
import { findAccount } from '../../src/accounts/account.ts';
import { newBackupCodes, replaceBackupCodes } from '../../src/credentials/backup-codes.ts';
import { addTextStep } from '../../src/credentials/text-steps.ts';
import { addTotp, newTotpSecret } from '../../src/credentials/totp.ts';
import { allowApprovals, changeTwoStep, turnOn } from '../../src/credentials/two-step.ts';
import { minutes } from '../../src/kit/durations.ts';
import type { Services } from '../../src/services.ts';
import type { Person } from './person.ts';
import type { TestAccount, World } from './world.ts';

/** Methods of the second step that somebody set up some time ago, and what people do with them. */
type Desk = Pick<Services, 'db' | 'clock' | 'seals' | 'hashQueue' | 'settings' | 'metrics'>;

export async function giveTotp(desk: Desk, accountId: string, name = 'Phone') {
  const secret = newTotpSecret();
  const added = await addTotp(desk, { accountId, secret, name });
  if (!added.ok) throw new Error(added.reason);
  await changeTwoStep(desk, accountId, (tx) => turnOn(tx, accountId, desk.clock.now()));
  return { secret, id: added.id };
}

/** Codes to the account's proved number. Answers the method's id. */
export async function giveText(desk: Desk, accountId: string): Promise<string> {
  const account = await findAccount(desk, accountId);
  const number = account?.contacts.find((one) => one.channel === 'phone' && one.verifiedAt !== null);
  if (!number) throw new Error('the account has no proved number');
  const now = desk.clock.now();
  return changeTwoStep(desk, accountId, async (tx) => {
    await turnOn(tx, accountId, now);
    return addTextStep(tx, { accountId, contactId: number.id, now });
  });
}

export async function giveBackupCodes(desk: Desk, accountId: string): Promise<string[]> {
  const { codes, rows } = await newBackupCodes(desk, { accountId });
  await changeTwoStep(desk, accountId, (tx) => replaceBackupCodes(tx, { accountId, rows }));
  return codes;
}

/** Six digits that are no code of this secret now, nor were or will be a while before and after. */
export async function wrongCode(secret: string, now = Date.now()): Promise<string> {
  const epoch = Math.floor(now / 1000);
  const near = await Promise.all(
    Array.from({ length: 11 }, (_, at) => generate({ secret, epoch: epoch + 30 * (at - 5) })),
  );
  const candidates = Array.from({ length: 12 }, (_, at) => String(at).padStart(6, '7'));
  return candidates.find((code) => !near.includes(code)) ?? '';
}

/** Six digits that are not these. */
export function otherThan(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0');
}

/** Somebody with a second step and all that an account can have beside it. */
export type Careful = TestAccount & { totpSecret: string; number: string };

/** The number as pages name it. */
export { lastDigits } from '../../src/actions/second-step-text.ts';

let numbers = 0;

export async function carefulAccount(world: World): Promise<Careful> {
  numbers += 1;
  // Far apart, so that the budget of a block of numbers is nobody else's.
  const number = `+49151${10_000_000 + numbers * 10_007}`;
  const email = `careful${numbers}@example.com`;
  const totpSecret = newTotpSecret();
  const account = await world.account({ email, phone: number, totpSecret });
  return { ...account, totpSecret, number };
}

/** Up to the second step, from the account's own page. */
export async function atSecondStep(
  world: World,
  account: TestAccount,
  person = world.person(),
): Promise<Person> {
  await person.goes(`${world.issuer}/account`);
  await person.submits({ identifier: account.identifier, password: account.password });
  return person;
}

/** Through it, with the authenticator app. */
export async function signedInFully(
  world: World,
  account: Careful,
  { person = world.person(), trust = false }: { person?: Person; trust?: boolean } = {},
): Promise<Person> {
  await atSecondStep(world, account, person);
  const code = await world.freshCode(account.totpSecret);
  return person.submits({ code, ...(trust ? { trust_device: 'yes' } : {}) });
}

/** What was texted to the account's number. */
export async function textsTo(world: World, { number }: Careful): Promise<string[]> {
  return (await world.outbox()).filter(({ to }) => to === number).map(({ text }) => text);
}

/** So long that every proof is stale and no session is. */
export const aWhile = 15 * minutes;

/** Approval on another device, turned on some time ago. */
export async function giveApprovals(desk: Desk, accountId: string): Promise<void> {
  await changeTwoStep(desk, accountId, (tx) => allowApprovals(tx, accountId, desk.clock.now()));
}

/** Somebody whose phone is signed in and may approve. */
export async function withPhone(world: World): Promise<{ account: Careful; phone: Person }> {
  const account = await carefulAccount(world);
  await giveApprovals(world.services, account.accountId);
  return { account, phone: await signedInFully(world, account) };
}

/** A browser at the second step that asks for an approval; and the number on its page. */
export async function asksForApproval(
  world: World,
  account: TestAccount,
  person = world.person(),
): Promise<{ laptop: Person; number: string; look: string }> {
  await atSecondStep(world, account, person);
  if (!person.text.includes('Approve this sign-in on another device')) {
    await person.follows('Use a backup method');
    await person.presses('Use this: On a device where you’re signed in to your account');
  }
  const number = /\b(\d{3}) (\d{3})\b/.exec(person.text)?.slice(1).join('') ?? '';
  return { laptop: person, number, look: `${person.url}/second-step/elsewhere` };
}
