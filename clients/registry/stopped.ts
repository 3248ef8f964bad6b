import { seconds } from '../../src/kit/durations.ts';
import type { Outcome } from '../../src/kit/outcome.ts';
import { refused } from '../../src/kit/outcome.ts';
import type { Services } from '../../src/services.ts';
import type { Database } from '../../src/store/tables.ts';
import { bumpVersion } from '../../src/store/versions.ts';
import { type Client, findClient } from './registry.ts';

/** Apps that are stopped, for a while or because they are being removed, and what is left of the time before. */
type Context = Pick<Services, 'db' | 'clock'>;
type Stopped = Promise<Outcome<{ changed: boolean }, 'unknown_client'>>;

/** Stops the app; repeated, the first time stays. */
export async function disableClient({ db, clock }: Context, clientId: string): Stopped {
  return change(db, clientId, async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('clients')
      .set({ disabled_at: clock.now() })
      .where('client_id', '=', clientId)
      .where('disabled_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  });
}

/** Stops it for good: from here on its removal can only go on, or be taken back by who enables it. */
export async function beginRemoval({ db, clock }: Context, clientId: string): Stopped {
  const now = clock.now();
  return change(db, clientId, async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('clients')
      .set((eb) => ({ removing_since: now, disabled_at: eb.fn.coalesce('disabled_at', eb.val(now)) }))
      .where('client_id', '=', clientId)
      .where('removing_since', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  });
}

/** Lets it work again. What it was given before it was stopped stays dead. */
export async function enableClient({ db, clock }: Context, clientId: string): Stopped {
  return change(db, clientId, async (tx) => {
    const client = await findClient({ db: tx }, clientId);
    if (client?.disabledAt === undefined) return false;
    await tx
      .updateTable('clients')
      .set({
        disabled_at: null,
        removing_since: null,
        issued_from: issuedFrom(client.disabledAt, clock.now()),
      })
      .where('client_id', '=', clientId)
      .execute();
    return true;
  });
}

/**
 * Nothing is issued to an app that is stopped, so where it was stopped for long it may be any moment of that time: late, for
 * who had not heard of it yet or has a clock ahead of ours, but so that who has one behind issues nothing that is dead.
 * What was issued says so to the second only: all of the second in which it was stopped is before.
 */
function issuedFrom(disabledAt: number, now: number): number {
  const nextSecond = Math.floor(disabledAt / seconds + 1) * seconds;
  return Math.max(nextSecond, now - clocksDiffer);
}

const clocksDiffer = 10 * seconds;

/**
 * Whether something was issued to the app in an earlier life of it: before it was last stopped, or to another one that had
 * its name. For what hangs on no grant, and so is in no index that an ending goes through. `issuedAt` in epoch milliseconds.
 */
export function isOfEarlierLife(
  { createdAt, issuedFrom }: Pick<Client, 'createdAt' | 'issuedFrom'>,
  issuedAt: number,
): boolean {
  return issuedAt < Math.max(issuedFrom ?? 0, createdAt - clocksDiffer);
}

async function change(db: Database, clientId: string, write: (tx: Database) => Promise<boolean>): Stopped {
  return db.transaction().execute(async (tx) => {
    const changed = await write(tx);
    if (changed) await bumpVersion(tx, 'clients');
    else if (!(await findClient({ db: tx }, clientId))) return refused('unknown_client');
    return { ok: true as const, changed };
  });
}
