import { generateKeyPair, type JsonWebKey as NodeJwk } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';
import { hours, minutes } from '../kit/durations.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { Database, SigningKeysTable } from '../store/tables.ts';
import { bumpVersion } from '../store/versions.ts';

/**
 * The keys that sign ID tokens: made on first start, kept sealed, rotated with overlap and without a restart.
 *
 *   published ──signs_from──> signing ──a newer one signs──> published still ──retire_at──> gone
 *
 * A new key is published before it signs, for as long as apps may cache the JWKS, and stays published after it stopped,
 * for as long as what it signed may be shown to us or to others (engine manual, section 3).
 */
export const algorithms = ['RS256', 'ES256'] as const;
export type Algorithm = (typeof algorithms)[number];

/** Apps may keep the JWKS this long (Cache-Control, in seconds); a new key waits three times as long before it signs. */
export const jwksMaxAge = 300;
const publishAheadMs = 15 * minutes;
/** The longest life of an ID token, and time for a logout that hints with it. */
const publishAfterMs = 24 * hours;

type Context = Pick<Services, 'db' | 'clock' | 'seals'>;

export type SigningKey = {
  kid: string;
  alg: string;
  state: 'published' | 'signing' | 'retiring';
  createdAt: number;
  signsFrom: number;
  retireAt: number | undefined;
};

/**
 * Makes the first keys, once, however many processes start at the same time. Made before the transaction: nobody else's
 * first query should wait until two primes are found.
 */
export async function ensureSigningKeys({ db, clock, seals }: Context): Promise<void> {
  const known = await db.selectFrom('versions').where('subject', '=', 'keys').select('version').execute();
  if (known.length > 0) return;
  const made = await Promise.all(algorithms.map(makeKey));
  await db.transaction().execute(async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('versions')
      .values({ subject: 'keys', version: 1 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    // The loser of a race waits here for the winner's transaction and then finds the keys.
    if (numInsertedOrUpdatedRows !== 1n) return;
    const now = clock.now();
    for (const key of made) await insertKey(tx, seals, key, { now, signsFrom: now });
  });
}

/** New keys for `only` or for every algorithm. They sign after the overlap, or `atOnce` when a key is no longer to be trusted. */
export async function rotateKeys(
  { db, clock, seals }: Context,
  { only, atOnce = false }: { only?: Algorithm; atOnce?: boolean } = {},
): Promise<{ kids: string[]; signsFrom: number }> {
  const now = clock.now();
  const signsFrom = atOnce ? now : now + publishAheadMs;
  const made = await Promise.all((only ? [only] : algorithms).map(makeKey));
  await db.transaction().execute(async (tx) => {
    // First, for it makes rotations wait for each other: one that does not see another's key would never retire it.
    await bumpVersion(tx, 'keys');
    for (const key of made) {
      await tx
        .updateTable('signing_keys')
        .set({ retire_at: signsFrom + publishAfterMs })
        .where('alg', '=', key.alg)
        .where('retire_at', 'is', null)
        .execute();
      await insertKey(tx, seals, key, { now, signsFrom });
    }
    await tx.deleteFrom('signing_keys').where('retire_at', '<', now).execute();
  });
  return { kids: made.map(({ jwk }) => jwk.kid), signsFrom };
}

/** Takes a key out at once. When it is the last one that signs for its algorithm, a new one must take over first. */
export async function retireKey(
  { db, clock }: Pick<Context, 'db' | 'clock'>,
  { kid }: { kid: string },
): Promise<Outcome<object, 'unknown_key' | 'last_signing_key'>> {
  return db.transaction().execute(async (tx) => {
    const rows = await tx.selectFrom('signing_keys').selectAll().execute();
    const row = rows.find((one) => one.kid === kid);
    if (!row) return refused('unknown_key');
    const now = clock.now();
    const others = rows.filter((one) => one.alg === row.alg && one.kid !== kid && one.signs_from <= now);
    if (!others.some((one) => !isGone(one, now))) return refused('last_signing_key');
    await tx.deleteFrom('signing_keys').where('kid', '=', kid).execute();
    await bumpVersion(tx, 'keys');
    return done;
  });
}

/** The newest first. */
export async function listKeys({ db, clock }: Pick<Context, 'db' | 'clock'>): Promise<SigningKey[]> {
  const rows = await currentRows(db, clock.now());
  const signing = new Set(signingRows(rows, clock.now()).map(({ kid }) => kid));
  return rows.map((row) => ({
    kid: row.kid,
    alg: row.alg,
    state: signing.has(row.kid) ? 'signing' : row.signs_from > clock.now() ? 'published' : 'retiring',
    createdAt: row.created_at,
    signsFrom: row.signs_from,
    retireAt: row.retire_at ?? undefined,
  }));
}

/**
 * What the engine signs with and publishes: it takes the first key that fits, so those that sign now come first.
 * `until` is the moment (epoch ms) at which this answer is no longer right even if nobody changes anything.
 */
export async function readJwks({ db, clock, seals }: Context): Promise<{ keys: JWK[]; until: number }> {
  const now = clock.now();
  const rows = await currentRows(db, now);
  const signing = signingRows(rows, now);
  const ordered = [...signing, ...rows.filter((row) => !signing.includes(row))];
  const turns = rows.flatMap(({ signs_from, retire_at }) => [
    signs_from,
    retire_at ?? Number.POSITIVE_INFINITY,
  ]);
  return {
    keys: ordered.map((row) => JSON.parse(seals.open('signing-key', row.jwk))),
    until: Math.min(...turns.filter((turn) => turn > now)),
  };
}

async function currentRows(db: Database, now: number): Promise<SigningKeysTable[]> {
  const rows = await db
    .selectFrom('signing_keys')
    .selectAll()
    .orderBy('signs_from', 'desc')
    .orderBy('kid')
    .execute();
  return rows.filter((row) => !isGone(row, now));
}

function isGone({ retire_at }: SigningKeysTable, now: number): boolean {
  return retire_at !== null && retire_at <= now;
}

/** For each algorithm the newest key whose time has come. */
function signingRows(rows: readonly SigningKeysTable[], now: number): SigningKeysTable[] {
  return algorithms.flatMap((alg) => rows.find((row) => row.alg === alg && row.signs_from <= now) ?? []);
}

type MadeKey = { alg: Algorithm; jwk: NodeJwk & { kid: string } };

const makePair = promisify(generateKeyPair);

async function makeKey(alg: Algorithm): Promise<MadeKey> {
  const { privateKey } =
    alg === 'RS256'
      ? await makePair('rsa', { modulusLength: 3072 })
      : await makePair('ec', { namedCurve: 'P-256' });
  const jwk = privateKey.export({ format: 'jwk' });
  return { alg, jwk: { ...jwk, kid: newId(), use: 'sig', alg } };
}

async function insertKey(
  db: Database,
  seals: Services['seals'],
  { alg, jwk }: MadeKey,
  { now, signsFrom }: { now: number; signsFrom: number },
): Promise<void> {
  const sealed = seals.seal('signing-key', JSON.stringify(jwk));
  await db
    .insertInto('signing_keys')
    .values({ kid: jwk.kid, alg, jwk: sealed, created_at: now, signs_from: signsFrom, retire_at: null })
    .execute();
}
