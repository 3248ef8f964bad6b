import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Outcome } from '../../src/kit/outcome.ts';
import { refused } from '../../src/kit/outcome.ts';
import { digest, newId, newSecret } from '../../src/kit/secrets.ts';
import type { Services } from '../../src/services.ts';
import type { ClientSecretsTable, ClientsTable } from '../../src/store/client-tables.ts';
import type { Database } from '../../src/store/tables.ts';
import { bumpVersion } from '../../src/store/versions.ts';
import type { ClientMetadata } from './metadata.ts';
import { checkClientMetadata } from './metadata.ts';
import type { NewClient, NotAccepted } from './new-client.ts';
import { checkClient, usesSecret } from './new-client.ts';
import type { ClientOrigin } from './registration.ts';
import type { ClientSecret } from './secrets.ts';

/**
 * The apps that may ask people to sign in: their metadata and the digests of their secrets. Owns the tables `clients`
 * and `client_secrets` and the rules of both; each change bumps the version `clients`, by which every process notices.
 * Does not own what people allowed an app (src/consents) nor its tokens (src/oidc): actions/remove-client and the
 * like tie these together.
 */
export type Client = {
  clientId: string;
  metadata: ClientMetadata & { client_name: string };
  /** Oldest first; expired ones may still be among them. */
  secrets: ClientSecret[];
  disabledAt: number | undefined;
  /** Once it was disabled and enabled again: what was issued to it before is dead (stopped.ts). */
  issuedFrom: number | undefined;
  /** When its removal began; disabled ever since. */
  removingSince: number | undefined;
  createdAt: number;
  updatedAt: number;
  origin: ClientOrigin;
  verifiedAt: number | undefined;
  registrationDigest: string | undefined;
};

type Context = Pick<Services, 'db' | 'clock'>;

export async function findClient({ db }: { db: Database }, clientId: string): Promise<Client | undefined> {
  // No app is called so, and PostgreSQL takes the question for a mistake of ours.
  if (clientId.includes('\0')) return undefined;
  const row = await db.selectFrom('clients').selectAll().where('client_id', '=', clientId).executeTakeFirst();
  return row && toClient(row, await secretRows(db, clientId));
}

/** All apps by their ids. */
export async function listClients({ db }: { db: Database }): Promise<Client[]> {
  const rows = await db.selectFrom('clients').selectAll().orderBy('client_id').execute();
  const secrets = await db.selectFrom('client_secrets').selectAll().orderBy('created_at').execute();
  const byClient = Map.groupBy(secrets, (secret) => secret.client_id);
  return rows.map((row) => toClient(row, byClient.get(row.client_id) ?? []));
}

/**
 * Adds an app. The secret is made here (256 bits) unless one was chosen, and is answered this once: only its digest
 * is kept. Apps without one (`none`, `private_key_jwt`) get none.
 */
export async function addClient(
  { db, clock }: Context,
  given: NewClient,
): Promise<
  | { ok: true; client: Client; clientSecret: string | undefined; notes: string[] }
  | NotAccepted
  | { ok: false; reason: 'client_id_taken' }
> {
  const checked = checkClient(given);
  if (!checked.ok) return checked;

  const clientId = given.clientId ?? newId();
  const clientSecret = usesSecret(checked.metadata) ? (given.clientSecret ?? newSecret()) : undefined;
  const now = clock.now();
  const added = await db.transaction().execute(async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('clients')
      .values({
        client_id: clientId,
        metadata: storedText(checked.metadata, clientId),
        created_at: now,
        updated_at: now,
        disabled_at: null,
        issued_from: null,
        removing_since: null,
        origin: given.origin ?? null,
        registration_digest: given.registrationDigest ?? null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) return false;
    if (clientSecret)
      await tx
        .insertInto('client_secrets')
        .values(secretRow(clientId, clientSecret, now))
        .execute();
    await bumpVersion(tx, 'clients');
    return true;
  });
  if (!added) return refused('client_id_taken');
  const client = await existing(db, clientId);
  return { ok: true, client, clientSecret, notes: checked.notes };
}

/**
 * Puts `metadata` in the place of what the app said before. An app that no longer has a secret loses those it had.
 * `before` is what the change was made of: where the app is no more like that, nothing is written. `unverified`: nobody
 * vouches for it from then on.
 */
export async function changeClient(
  { db, clock }: Context,
  { clientId, metadata, unverified = false, ...given }: ClientChange,
): Promise<ClientChanged | { ok: false; reason: 'changed_meanwhile' }> {
  const before = given.before ?? (await findClient({ db }, clientId));
  if (!before) return refused('unknown_client');
  const checked = checkClientMetadata(metadata, before.metadata);
  if (!checked.ok) return checked;
  const { notes } = checked;
  const text = storedText(checked.metadata, clientId);
  if (text === storedText(before.metadata, clientId) && !unverified)
    return { ok: true, client: before, changed: false, notes };
  const set = { metadata: text, updated_at: clock.now(), ...(unverified && { verified_at: null }) };
  const client = await db.transaction().execute(async (tx) => {
    if (!(await replaced(tx, before, set))) return undefined;
    if (!usesSecret(checked.metadata))
      await tx.deleteFrom('client_secrets').where('client_id', '=', clientId).execute();
    await bumpVersion(tx, 'clients');
    return existing(tx, clientId);
  });
  return client ? { ok: true, client, changed: true, notes } : refused('changed_meanwhile');
}

type ClientChange = { clientId: string; metadata: unknown; before?: Client; unverified?: boolean };
export type ClientChanged =
  | { ok: true; client: Client; changed: boolean; notes: string[] }
  | NotAccepted
  | { ok: false; reason: 'unknown_client' };

/** False where the app says something else than `before`, or whether it is stopped or vouched for is another matter. */
async function replaced(tx: Database, before: Client, set: Updateable<ClientsTable>): Promise<boolean> {
  const { clientId } = before;
  const row = await tx.selectFrom('clients').selectAll().where('client_id', '=', clientId).executeTakeFirst();
  if (!row || judged(toClient(row, [])) !== judged(before)) return false;
  // PostgreSQL lets others write between the reading and this.
  const { numUpdatedRows } = await tx
    .updateTable('clients')
    .set(set)
    .where('client_id', '=', clientId)
    .where('metadata', '=', row.metadata)
    .where('disabled_at', 'is not distinct from', row.disabled_at)
    .where('verified_at', 'is not distinct from', row.verified_at)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

function judged({ metadata, disabledAt, verifiedAt }: Client): string {
  return JSON.stringify([metadata, disabledAt, verifiedAt]);
}

/** Removes the app, its secrets and (by the tables' own rule) what people allowed it. False when it was not there. */
export async function removeClient({ db }: { db: Database }, clientId: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom('clients')
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    if (numDeletedRows > 0n) await bumpVersion(tx, 'clients');
    return numDeletedRows > 0n;
  });
}

/**
 * Gives the app a new secret, answered this once. Those it had stay right for `overlapMs`, so that an app can be
 * changed over without a gap; an earlier end that was set before is kept. 0 ends them at once.
 */
export async function rotateClientSecret(
  { db, clock }: Context,
  {
    clientId,
    overlapMs,
    clientSecret = newSecret(),
  }: { clientId: string; overlapMs: number; clientSecret?: string },
): Promise<Outcome<{ clientSecret: string; oldSecretsEndAt: number }, 'unknown_client' | 'uses_no_secret'>> {
  const client = await findClient({ db }, clientId);
  if (!client) return refused('unknown_client');
  if (!usesSecret(client.metadata)) return refused('uses_no_secret');
  const now = clock.now();
  const end = now + overlapMs;
  await db.transaction().execute(async (tx) => {
    // First, for it makes rotations wait for each other: one that does not see what another is adding would leave it good.
    await bumpVersion(tx, 'clients');
    await tx
      .updateTable('client_secrets')
      .set({ expires_at: end })
      .where('client_id', '=', clientId)
      .where((or) => or.or([or('expires_at', 'is', null), or('expires_at', '>', end)]))
      .execute();
    await tx
      .deleteFrom('client_secrets')
      .where('client_id', '=', clientId)
      .where('expires_at', '<=', now)
      .execute();
    await tx
      .insertInto('client_secrets')
      .values(secretRow(clientId, clientSecret, now))
      .execute();
  });
  return { ok: true, clientSecret, oldSecretsEndAt: end };
}

/** Members in the order of their names, so that two tellings of the same compare equal. */
function storedText(metadata: ClientMetadata, clientId: string): string {
  const named: Record<string, unknown> = { ...metadata, client_name: metadata.client_name ?? clientId };
  // A picture that was handed in: it has a table of its own (logos.ts).
  if (metadata.logo_uri?.startsWith('data:')) delete named['logo_uri'];
  return JSON.stringify(Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1))));
}

async function existing(db: Database, clientId: string): Promise<Client> {
  const client = await findClient({ db }, clientId);
  if (!client) throw new Error(`the app ${clientId} went away while it was written`);
  return client;
}

async function secretRows(db: Database, clientId: string) {
  return db
    .selectFrom('client_secrets')
    .selectAll()
    .where('client_id', '=', clientId)
    .orderBy('created_at')
    .execute();
}

function secretRow(clientId: string, secret: string, now: number): Insertable<ClientSecretsTable> {
  return {
    id: newId(),
    client_id: clientId,
    digest: digest(secret),
    // Of a short one the last characters would be too much of it.
    hint: secret.length < 32 ? '' : secret.slice(-4),
    created_at: now,
    expires_at: null,
  };
}

function toClient(row: Selectable<ClientsTable>, secrets: Selectable<ClientSecretsTable>[]): Client {
  return {
    clientId: row.client_id,
    metadata: JSON.parse(row.metadata) as Client['metadata'],
    secrets: secrets.map((secret) => ({
      digest: secret.digest,
      hint: secret.hint,
      createdAt: secret.created_at,
      expiresAt: secret.expires_at ?? undefined,
    })),
    disabledAt: row.disabled_at ?? undefined,
    issuedFrom: row.issued_from ?? undefined,
    removingSince: row.removing_since ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    origin: (row.origin as ClientOrigin | null) ?? 'operator',
    verifiedAt: row.verified_at ?? undefined,
    registrationDigest: row.registration_digest ?? undefined,
  };
}
