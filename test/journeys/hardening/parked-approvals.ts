import { recordEvent } from '../../../src/audit/record.ts';
import type { Person } from '../../support/person.ts';
import { asksForApproval, carefulAccount, giveApprovals, signedInFully } from '../../support/second-steps.ts';
import type { World } from '../../support/world.ts';

/** Somebody whose sign-in is unusual, and people on both sides of an approval. */
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
  return { unusual, waiting, approving, refused };
}
