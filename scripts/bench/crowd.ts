import { newId, newSecret } from '../../src/kit/secrets.ts';
import { inAccountIndex, inClientIndex, layout } from '../../src/oidc/live-layout.ts';
import { readGrant } from '../../src/oidc/record-forms.ts';
import type { Services } from '../../src/services.ts';
import type { LiveKey } from '../../src/store/live.ts';
import type { Database } from '../../src/store/tables.ts';
import { offlineApp, personAddress } from './apps.ts';

/** A crowd that is already there: accounts, each with a grant and its tokens, copied from one that came to be in the usual way. */
export type Copy = { accountId: string; accessToken: string; refreshToken: string; address: string };
type Stores = Pick<Services, 'db' | 'live' | 'clock'>;

const day = 86_400_000;
const atOnce = 100;

export async function addCrowd(
  stores: Stores,
  original: { accessToken: string; refreshToken: string },
  { from, to }: { from: number; to: number },
): Promise<Copy[]> {
  const template = await readTemplate(stores, original);
  const sample: Copy[] = [];
  const every = Math.ceil((to - from) / 2000);
  for (let first = from; first < to; first += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, to - first) }, (_, place) => first + place);
    const copies = numbers.map(copyOf);
    await addAccounts(stores.db, template.accountId, copies);
    await Promise.all(copies.map((copy) => addGrant(stores, template, copy)));
    sample.push(...copies.filter((_, place) => (first + place - from) % every === 0));
  }
  return sample;
}

function copyOf(number: number): Copy {
  const grantId = newId();
  return {
    accountId: newId(),
    accessToken: grantId + newSecret(),
    // Its shape is all that counts while there is a record of it.
    refreshToken: `${grantId}${newSecret()}A`,
    address: personAddress(1_000_000 + number),
  };
}

type Template = { accountId: string; grantId: string; grant: string; access: string; refresh: string };

async function readTemplate(
  { live }: Stores,
  original: { accessToken: string; refreshToken: string },
): Promise<Template> {
  const { grantId, key: accessKey } = placeOf('a', original.accessToken);
  const { key: refreshKey } = placeOf('r', original.refreshToken);
  const [grant, access, refresh] = await live.read([layout.grant(grantId), accessKey, refreshKey]);
  if (!grant || !access || !refresh) throw new Error('the records to copy lie elsewhere than they did');
  const accountId = String(readGrant(grant.value).accountId);
  return { accountId, grantId, grant: grant.value, access: access.value, refresh: refresh.value };
}

function placeOf(letter: 'a' | 'r', token: string): { grantId: string; key: LiveKey } {
  const place = layout.underGrant(letter, token);
  if (!place) throw new Error('not a token of ours');
  return place;
}

async function addGrant({ live, clock }: Stores, template: Template, copy: Copy): Promise<void> {
  const { grantId, key: accessKey } = placeOf('a', copy.accessToken);
  const { key: refreshKey } = placeOf('r', copy.refreshToken);
  const { accountId } = copy;
  const { clientId } = offlineApp;
  const of = (value: string) =>
    value.replaceAll(template.accountId, accountId).replaceAll(template.grantId, grantId);
  const listed = { do: 'enlist', expiresAt: clock.now() + 30 * day } as const;
  const member = { grantId, accountId, clientId };
  await Promise.all([
    live.commit([
      { do: 'put', key: layout.grant(grantId), value: of(template.grant), ttlMs: 30 * day },
      { do: 'put', key: accessKey, value: of(template.access), ttlMs: day / 24 },
      { do: 'put', key: refreshKey, value: of(template.refresh), ttlMs: 30 * day },
    ]),
    live.commit([{ ...listed, key: layout.accountGrants(accountId), member: inAccountIndex(member) }]),
    live.commit([{ ...listed, key: layout.clientGrants(clientId), member: inClientIndex(member) }]),
  ]);
}

/** Copies of one account's rows; its password is everybody's. */
async function addAccounts(db: Database, accountId: string, copies: readonly Copy[]): Promise<void> {
  const account = await db
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  const contact = await db
    .selectFrom('contacts')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  const password = await db
    .selectFrom('passwords')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('accounts')
      .values(copies.map((copy) => ({ ...account, id: copy.accountId })))
      .execute();
    await tx
      .insertInto('contacts')
      .values(
        copies.map((copy) => ({
          ...contact,
          id: newId(),
          account_id: copy.accountId,
          address: copy.address,
          written: copy.address,
        })),
      )
      .execute();
    await tx
      .insertInto('passwords')
      .values(copies.map((copy) => ({ ...password, account_id: copy.accountId })))
      .execute();
  });
}
