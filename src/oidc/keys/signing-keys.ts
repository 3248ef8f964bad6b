import { generateKeyPair, type JsonWebKey as NodeJwk } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';
import { hours, minutes } from '../../kit/durations.ts';
import { type Outcome, refused } from '../../kit/outcome.ts';
import { newId } from '../../kit/secrets.ts';
import type { Services } from '../../services.ts';
import type { Database, SigningKeysTable } from '../../store/tables.ts';
import { bumpVersion } from '../../store/versions.ts';

/**
 * The keys that sign ID tokens: made on first start, kept sealed, rotated with overlap and without a restart.
 *
 *   published ──signs_from──> signing ──a newer one signs──> published still ──retire_at──> gone
 *
 * A new key is published before it signs, for as long as apps may cache the JWKS, and stays published after it stopped,
 * for as long as what it signed may be shown to us or to others (engine manual, section 3).
 */
export const algorithms = ['RS256', 'ES256', 'EdDSA'] as const;
/** What kind of key a row is. That of RS256 signs PS256 as well: an RSA key is no different for either. */
export type Algorithm = (typeof algorithms)[number];

/** Apps may keep the JWKS this long (Cache-Control, in seconds); a new key waits three times as long before it signs. */
export const jwksMaxAge = 300;
const publishAheadMs = 15 * minutes;
/** Longer than anything signed lives, and time for a logout that hints with an ID token that has expired. */
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
 * Makes the first key of each kind, once, however many processes start at the same time. Made before the transaction:
 * nobody else's first query should wait until two primes are found.
 */
export async function ensureSigningKeys({ db, clock, seals }: Context): Promise<void> {
  const missing = await missingKinds(db);
  if (missing.length === 0) return;
  const made = await Promise.all(missing.map(makeKey));
  await db.transaction().execute(async (tx) => {
    // The loser of a race waits here for the winner's transaction and then finds the keys.
    await bumpVersion(tx, 'keys');
    const still = await missingKinds(tx);
    const now = clock.now();
    for (const key of made)
      if (still.includes(key.alg)) await insertKey(tx, seals, key, { now, signsFrom: now });
  });
}

async function missingKinds(db: Database): Promise<Algorithm[]> {
  const rows = await db.selectFrom('signing_keys').select('alg').distinct().execute();
  return algorithms.filter((kind) => !rows.some(({ alg }) => alg === kind));
}

/** New keys for `only` or for every algorithm. They sign after the overlap, or `atOnce` when a key is no longer to be trusted. */
export async function rotateKeys(
  context: Context,
  { only, atOnce = false }: { only?: Algorithm; atOnce?: boolean } = {},
): Promise<{ kids: string[]; signsFrom: number }> {
  const signsFrom = context.clock.now() + (atOnce ? 0 : publishAheadMs);
  const made = await Promise.all((only ? [only] : algorithms).map(makeKey));
  return { kids: await takeOver(context, { made, signsFrom }), signsFrom };
}

/**
 * New keys for the kinds whose key has signed for `everyMs`, published ahead of time. Every process may ask at the same
 * moment: whoever comes second finds nothing due. Answers the new keys.
 */
export async function rotateDueKeys(
  context: Context,
  { everyMs }: { everyMs: number },
): Promise<{ kids: string[]; signsFrom: number }> {
  const signsFrom = context.clock.now() + publishAheadMs;
  const isDue = (kind: Algorithm, rows: readonly SigningKeysTable[]) =>
    rows.every(({ alg, signs_from }) => alg !== kind || signs_from + everyMs <= signsFrom);
  const rows = await context.db.selectFrom('signing_keys').selectAll().execute();
  const due = algorithms.filter((kind) => isDue(kind, rows));
  if (due.length === 0) return { kids: [], signsFrom };
  const made = await Promise.all(due.map(makeKey));
  return { kids: await takeOver(context, { made, signsFrom, isDue }), signsFrom };
}

/** Lets keys take over from those of their kind; only those for which `isDue` still holds. Answers which did. */
async function takeOver(
  { db, clock, seals }: Context,
  {
    made,
    signsFrom,
    isDue = () => true,
  }: {
    made: readonly MadeKey[];
    signsFrom: number;
    isDue?: (kind: Algorithm, rows: readonly SigningKeysTable[]) => boolean;
  },
): Promise<string[]> {
  const now = clock.now();
  return db.transaction().execute(async (tx) => {
    // First, for it makes rotations wait for each other: one that does not see another's key would never retire it.
    await bumpVersion(tx, 'keys');
    const rows = await tx.selectFrom('signing_keys').selectAll().execute();
    const taking = made.filter(({ alg }) => isDue(alg, rows));
    for (const key of taking) {
      await tx
        .updateTable('signing_keys')
        .set({ retire_at: signsFrom + publishAfterMs })
        .where('alg', '=', key.alg)
        .where('retire_at', 'is', null)
        .execute();
      await insertKey(tx, seals, key, { now, signsFrom });
    }
    await tx.deleteFrom('signing_keys').where('retire_at', '<', now).execute();
    return taking.map(({ jwk }) => jwk.kid);
  });
}

/**
 * Takes a key out at once. When it is the last one that signs for its algorithm, a new one must take over first, or does so
 * in the same moment (`replace`: the key leaked).
 */
export async function retireKey(
  { db, clock, seals }: Context,
  { kid, replace = false }: { kid: string; replace?: boolean },
): Promise<Outcome<{ replacement?: string }, 'unknown_key' | 'last_signing_key'>> {
  const known = await db.selectFrom('signing_keys').where('kid', '=', kid).select('alg').executeTakeFirst();
  if (!known) return refused('unknown_key');
  const spare = replace ? await makeKey(known.alg as Algorithm) : undefined;
  return db.transaction().execute(async (tx) => {
    // First, as in a rotation: two removals at once must not both leave it to the other's key to sign.
    await bumpVersion(tx, 'keys');
    const rows = await tx.selectFrom('signing_keys').selectAll().execute();
    const row = rows.find((one) => one.kid === kid);
    if (!row) return refused('unknown_key');
    const now = clock.now();
    const others = rows.filter((one) => one.alg === row.alg && one.kid !== kid && one.signs_from <= now);
    const isLast = !others.some((one) => !isGone(one, now));
    if (isLast && !spare) return refused('last_signing_key');
    if (isLast && spare) await insertKey(tx, seals, spare, { now, signsFrom: now });
    await tx.deleteFrom('signing_keys').where('kid', '=', kid).execute();
    return isLast && spare ? { ok: true, replacement: spare.jwk.kid } : { ok: true };
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

const pairs = {
  RS256: () => makePair('rsa', { modulusLength: 3072 }),
  ES256: () => makePair('ec', { namedCurve: 'P-256' }),
  EdDSA: () => makePair('ed25519'),
} as const;

async function makeKey(alg: Algorithm): Promise<MadeKey> {
  const { privateKey } = await pairs[alg]();
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
