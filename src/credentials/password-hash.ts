import { randomBytes, timingSafeEqual } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { hash, hashRaw, parseOptions } from '@node-rs/argon2';
import type { Services } from '../services.ts';
import { newestPepper, peppered, pepperNamed } from './peppers.ts';

/**
 * argon2id (RFC 9106) at the cost of the settings, one lane; docs/decisions/0034 says by which library. The cost and the salt
 * stand in the PHC string beside the hash. Every run goes through the hash queue, which bounds memory and keeps the other endpoints breathing; a full
 * queue throws QueueFull, which the web answers with 503 and Retry-After.
 */
export type HashContext = Pick<Services, 'hashQueue' | 'settings' | 'metrics'>;
export type PasswordHash = { hash: string; pepperId: string | null };

/** Hashes what `passwordText` answered. */
export async function hashText(ctx: HashContext, text: string): Promise<PasswordHash> {
  const pepper = newestPepper(ctx.settings);
  const made = await timed(ctx, () => hash(peppered(pepper, text), cost(ctx.settings)));
  return { hash: made, pepperId: pepper?.id ?? null };
}

type Recipe = { salt: Buffer; memoryCost?: number; timeCost?: number; pepperId?: string | null };

/**
 * For secrets of which an account has several (backup-codes.ts): under one salt and one recipe, what is typed is hashed once
 * and compared with all. Without a recipe's cost it is today's.
 */
export async function hashWithSalt(
  ctx: HashContext,
  text: string,
  { salt, pepperId, ...priced }: Recipe,
): Promise<PasswordHash> {
  const pepper = pepperId === undefined ? newestPepper(ctx.settings) : pepperNamed(ctx.settings, pepperId);
  const options = { ...cost(ctx.settings), ...priced, salt };
  const made = await timed(ctx, () => hash(peppered(pepper, text), options));
  return { hash: made, pepperId: pepper?.id ?? null };
}

/** What came out, without the recipe: another library may write the same recipe in another order. */
export function digestOf(hash: string): string {
  return hash.slice(hash.lastIndexOf('$') + 1);
}

/** The recipe that a stored hash was made by. */
export function saltOf({ hash: stored, pepper_id: pepperId }: { hash: string; pepper_id: string | null }) {
  const [, scheme, version, costs = '', salt = ''] = stored.split('$');
  const costOf = (name: string) => Number(new RegExp(`(?:^|,)${name}=(\\d+)(?:,|$)`).exec(costs)?.[1]);
  if (scheme !== 'argon2id' || version !== 'v=19' || costOf('p') !== 1)
    throw new Error('a stored hash that is not one of ours');
  return {
    salt: Buffer.from(salt, 'base64'),
    memoryCost: costOf('m'),
    timeCost: costOf('t'),
    pepperId,
  };
}

/** Throws PepperMissing when the hash was made with a pepper that the settings no longer have. */
export async function matchesHash(ctx: HashContext, stored: PasswordHash, text: string): Promise<boolean> {
  const pepper = pepperNamed(ctx.settings, stored.pepperId);
  return timed(ctx, () => verify(stored.hash, peppered(pepper, text)));
}

/** The library's own takes no bytes that are not UTF-8, which most digests under a pepper are not. */
async function verify(stored: string, given: string | Uint8Array): Promise<boolean> {
  const salt = Buffer.from(stored.split('$')[4] ?? '', 'base64');
  const [wanted, found] = [digestOf(stored), await hashRaw(given, { ...parseOptions(stored), salt })];
  return timingSafeEqual(Buffer.from(wanted, 'base64'), found);
}

export function isOutdated(settings: Services['settings'], stored: PasswordHash): boolean {
  return stored.pepperId !== (newestPepper(settings)?.id ?? null) || !hasCost(stored.hash, cost(settings));
}

function hasCost(hash: string, wanted: ReturnType<typeof cost>): boolean {
  const made = parseOptions(hash);
  return (
    hash.startsWith('$argon2id$v=19$') &&
    made.memoryCost === wanted.memoryCost &&
    made.timeCost === wanted.timeCost &&
    made.parallelism === wanted.parallelism
  );
}

/**
 * A hash at today's cost that no password matches: its 256 bits were drawn, not computed, so it costs nothing to make
 * and everything to check. It stands in for the account or the password that is not there.
 */
export function hashOfNobody(settings: Services['settings']): PasswordHash {
  const { memoryCost, timeCost, parallelism } = cost(settings);
  const drawn = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '');
  return {
    hash: `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${drawn(16)}$${drawn(32)}`,
    pepperId: newestPepper(settings)?.id ?? null,
  };
}

function cost({ ARGON2_MEMORY_KIB, ARGON2_PASSES }: Services['settings']) {
  return { memoryCost: ARGON2_MEMORY_KIB, timeCost: ARGON2_PASSES, parallelism: 1 };
}

/** Counts and times each run of argon2, waiting included. */
async function timed<Result>(
  { hashQueue, metrics }: HashContext,
  run: () => Promise<Result>,
): Promise<Result> {
  const start = performance.now();
  const result = await hashQueue.run(run);
  metrics.hashSeconds.observe((performance.now() - start) / 1000);
  return result;
}
