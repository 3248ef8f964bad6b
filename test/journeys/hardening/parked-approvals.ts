import { recordEvent } from '../../../src/audit/record.ts';
import { setPassword } from '../../../src/credentials/password.ts';
import type { Person } from '../../support/person.ts';
import { asksForApproval, carefulAccount, giveApprovals, signedInFully } from '../../support/second-steps.ts';
import type { World } from '../../support/world.ts';

/** Somebody whose sign-in is unusual, people on both sides of an approval, and somebody whose password is known. */
export async function parkUnusualPeople(world: World): Promise<Record<string, Person>> {
  const { services, issuer } = world;
  const guessedAt = await world.account();
  for (let guess = 0; guess < 20; guess += 1)
    await recordEvent(services, { type: 'account.sign_in_failed', accountId: guessedAt.accountId });
  const unusual = await world.person().goes(`${issuer}/account`);
  await unusual.submits({ identifier: guessedAt.identifier, password: guessedAt.password });

  const account = await carefulAccount(world);
  await giveApprovals(services, account.accountId);
  const approving = await signedInFully(world, account);
  const refused = await signedInFully(world, account);
  const { laptop: waiting } = await asksForApproval(world, account);
  await approving.goes(`${issuer}/account/approvals`);
  await refused.goes(`${issuer}/account/refused-sign-in`);
  return { unusual, waiting, approving, refused, careless: await parkCareless(world) };
}

/** At the page that asks for another password, since attackers know this one (misuse case SI-09). */
async function parkCareless(world: World): Promise<Person> {
  const account = { ...(await world.account()), password: 'password123' };
  await setPassword(world.services, account);
  const person = await world.person().goes(`${world.issuer}/account`);
  await person.submits({ identifier: account.identifier, password: account.password });
  await person.submits({ code: await world.codeSentTo(account.identifier) });
  if (person.heading !== 'Choose a new password') throw new Error(`not there: ${person.heading}`);
  return person;
}
