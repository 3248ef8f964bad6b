import { type Api, findApi } from '../../clients/registry/apis/apis.ts';
import { type Client, findClient } from '../../clients/registry/registry.ts';
import { type Account, findAccount } from '../accounts/account.ts';
import type { Services } from '../services.ts';
import { keepRecords } from '../store/kept-records.ts';

/** Apps, accounts and APIs as the engine asks for them, several times in each request: from copies in this process. */
export type KnownRecords = {
  client(clientId: string): Promise<Client | undefined>;
  account(accountId: string): Promise<Account | undefined>;
  api(identifier: string): Promise<Api | undefined>;
};

/** The same copies for everybody in the process who asks with the same services. */
export function openKnownRecords(services: Pick<Services, 'db' | 'changes'>): KnownRecords {
  const known = opened.get(services.changes) ?? copiesOf(services);
  opened.set(services.changes, known);
  return known;
}

const opened = new WeakMap<Services['changes'], KnownRecords>();

function copiesOf({ db, changes }: Pick<Services, 'db' | 'changes'>): KnownRecords {
  return {
    client: keepRecords({
      changes,
      table: 'clients',
      most: 5_000,
      load: (clientId) => findClient({ db }, clientId),
    }),
    account: keepRecords({
      changes,
      table: 'accounts',
      most: 10_000,
      load: (accountId) => findAccount({ db }, accountId),
    }),
    api: keepRecords({
      changes,
      table: 'apis',
      most: 1_000,
      load: (identifier) => findApi({ db }, identifier),
    }),
  };
}
