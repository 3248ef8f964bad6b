import type { FieldProblem } from '../../clients/registry/problems.ts';
import { seedApi } from '../actions/register-api.ts';
import { seedAccount } from '../actions/seed-account.ts';
import { seedClient } from '../actions/seed-client.ts';
import type { Services } from '../services.ts';
import { readSeedFile, type SeedFile } from './seed-file.ts';
import { passwordSentences } from './sentences.ts';

/** What became of each entry. A `client_secret` stands there only when it was made here, this once. */
export type SeedReport = {
  accounts: { account: string; account_id: string; result: string }[];
  apis: { identifier: string; result: string }[];
  apps: { client_id: string; result: string; client_secret?: string }[];
};

/**
 * Brings accounts and apps to what the text of a seed file says. Nothing is written when anything in it is wrong. An
 * entry that still cannot be brought in (its address belongs to somebody else) is in `notBrought`, and the others go on.
 */
export async function seed(
  services: Services,
  text: string,
): Promise<
  | { ok: true; report: SeedReport; notes: string[]; notBrought: FieldProblem[] }
  | { ok: false; problems: FieldProblem[] }
> {
  const read = readSeedFile(services, text);
  if (!read.ok) return read;
  const problems: FieldProblem[] = [];
  const report: SeedReport = { accounts: [], apis: [], apps: [] };
  const notes = new Set(read.seed.notes);
  for (const [index, entry] of read.seed.accounts.entries())
    await bringAccount(services, entry, index, report, problems);
  for (const api of read.seed.apis)
    report.apis.push({ identifier: api.identifier, result: await seedApi(services, api) });
  for (const [index, app] of read.seed.apps.entries()) {
    const seeded = await seedClient(services, app);
    if (!seeded.ok)
      problems.push(...seeded.problems.map((one) => ({ ...one, field: `apps[${index}].${one.field}` })));
    else {
      for (const note of seeded.notes) notes.add(`apps[${index}]: ${note}`);
      report.apps.push({
        client_id: seeded.clientId,
        result: seeded.result,
        ...(seeded.clientSecret ? { client_secret: seeded.clientSecret } : {}),
      });
    }
  }
  return { ok: true, report, notes: [...notes], notBrought: problems };
}

async function bringAccount(
  services: Services,
  { account }: SeedFile['accounts'][number],
  index: number,
  report: SeedReport,
  problems: FieldProblem[],
): Promise<void> {
  const seeded = await seedAccount(services, account);
  const field = `accounts[${index}]`;
  if (seeded.ok)
    report.accounts.push({
      account: account.contacts[0]?.written ?? '',
      account_id: seeded.accountId,
      result: seeded.result,
    });
  else if (seeded.reason === 'address_taken')
    problems.push({
      field,
      problem: 'has an address that another account has proved. Remove it there first.',
    });
  else
    problems.push({
      field: `${field}.password`,
      problem: passwordSentences(services.settings)[seeded.reason],
    });
}
