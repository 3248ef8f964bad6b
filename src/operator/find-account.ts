import { z } from 'zod';
import type { Account } from '../accounts/account.ts';
import { findAccount, findAccountByIdentifier } from '../accounts/account.ts';
import type { Services } from '../services.ts';
import type { Problem, Reply } from './command.ts';
import { no } from './command.ts';
import { operatorIdentifier } from './identifier.ts';

/** The flags by which every command finds the account it is about. */
export const accountFlags = {
  account: z.string().optional().meta({
    description: 'The account: its id, e-mail address or phone number. May stand without the flag.',
  }),
  email: z.string().optional().meta({ description: 'The same, by e-mail address.' }),
};

type Named = { account?: string | undefined; email?: string | undefined };

export async function withAccount(
  services: Services,
  { account, email }: Named,
  act: (account: Account) => Promise<Reply>,
): Promise<Reply> {
  const text = account ?? email;
  if (text === undefined)
    return no({ field: '--account', problem: 'is missing. Name an id, e-mail address or phone number.' });
  if (account !== undefined && email !== undefined)
    return no({ field: '--email', problem: 'stands beside --account. Keep one.' });
  const found = await lookUp(services, text);
  return found ? act(found) : no(noAccount(text));
}

async function lookUp(services: Services, text: string): Promise<Account | undefined> {
  const byId = await findAccount(services, text);
  if (byId) return byId;
  const identifier = operatorIdentifier(services.settings, text);
  return identifier.ok ? findAccountByIdentifier(services, identifier) : undefined;
}

function noAccount(text: string): Problem {
  return {
    field: '--account',
    problem: `"${text.slice(0, 100)}" leads to no account, or to several that have not proved the address. Try the account's id.`,
  };
}
