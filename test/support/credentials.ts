import { createHash, randomBytes } from 'node:crypto';
import { openBoundedQueue } from '../../src/kit/bounded-queue.ts';
import { openSeals } from '../../src/kit/sealing.ts';
import { newId } from '../../src/kit/secrets.ts';
import { readSettings } from '../../src/settings.ts';
import type { Database } from '../../src/store/tables.ts';
import { openMetrics } from '../../src/web/metrics.ts';
import { type DatabaseKind, openTestDatabase, testClock } from './stores.ts';

/** What the rules about credentials touch, on a real database; hashes at the least cost that the settings allow. */
export async function openCredentialRoom(
  environment: Record<string, string> = {},
  kind: DatabaseKind = 'sqlite',
) {
  const { db, close } = await openTestDatabase(kind);
  const metrics = openMetrics();
  return {
    db,
    close,
    metrics,
    clock: testClock(Date.UTC(2026, 0, 1)),
    seals: openSeals([randomBytes(32)]),
    settings: readSettings(environment),
    hashQueue: openBoundedQueue({ width: 2, depth: 64, retryAfter: 1 }),
    /** How many argon2 runs there have been. */
    async hashes(): Promise<number> {
      const { values } = await metrics.hashSeconds.get();
      return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
    },
  };
}

export type CredentialRoom = Awaited<ReturnType<typeof openCredentialRoom>>;

/** An account with nothing but its id: credentials know no more of it. */
export async function anAccount(db: Database): Promise<string> {
  const id = newId();
  const nothing = { suspended_at: null, suspended_reason: null, locked_at: null, locked_reason: null };
  await db
    .insertInto('accounts')
    .values({
      id,
      profile: '{}',
      created_at: 0,
      updated_at: 0,
      ...nothing,
      signed_out_before: null,
      signed_out_except: null,
    })
    .execute();
  return id;
}

/** The secret of an authenticator app, the same in each run: with the clock above no code is right by chance. */
export function knownTotpSecret(name: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return [...createHash('sha256').update(name).digest()].map((byte) => letters[byte % 32]).join('');
}

export function newPepper(): string {
  return randomBytes(32).toString('base64url');
}
