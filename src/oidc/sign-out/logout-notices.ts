import { newId } from '../../kit/secrets.ts';
import type { Services } from '../../services.ts';
import { wakeQueue } from '../../store/queues.ts';
import type { Database } from '../../store/tables.ts';
import { describeError } from '../../web/log.ts';

/**
 * The queue of OpenID Connect Back-Channel Logout 1.0: which apps are to hear that a session ended. It is written to the
 * records by whoever ends the session and worked off by deliver-notices.ts, in any process and after any crash; so an
 * app may hear it twice, and hears it.
 */
type Context = Pick<Services, 'db' | 'clock' | 'log'>;

type Ended = {
  accountId: string;
  /** Which apps it was used for, and by what name each knows it. */
  authorizations: Record<string, { sid?: string | undefined }>;
};

/**
 * Called before the session is taken, so that a crash between the two tells an app too much rather than nothing. When
 * the records cannot be written the session ends all the same: that matters more than who hears of it.
 */
export async function noteLogout({ db, clock, log }: Context, ended: Ended): Promise<void> {
  try {
    await write({ db, clock }, ended);
  } catch (error) {
    log.error({ error: describeError(error) }, 'apps will not hear that a session ended');
  }
}

async function write({ db, clock }: Pick<Context, 'db' | 'clock'>, ended: Ended): Promise<void> {
  const { accountId, authorizations } = ended;
  const sids = Object.entries(authorizations).flatMap(([clientId, { sid }]) =>
    sid ? [{ clientId, sid }] : [],
  );
  if (sids.length === 0) return;
  const listening = await whoListens(
    db,
    sids.map(({ clientId }) => clientId),
  );
  const now = clock.now();
  const rows = sids
    .filter(({ clientId }) => listening.has(clientId))
    .map(({ clientId, sid }) => ({
      id: newId(),
      client_id: clientId,
      account_id: accountId,
      sid,
      at: now,
      attempts: 0,
      next_attempt_at: now,
    }));
  if (rows.length === 0) return;
  // A session has one name for each app and ends once, however many ways lead to it.
  await db
    .insertInto('logout_notices')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['client_id', 'sid']).doNothing())
    .execute();
  wakeQueue(db, 'logout_notices');
}

/** Reads the apps' table, which clients/registry owns: at the end of a session one statement is enough. */
async function whoListens(db: Database, clientIds: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom('clients')
    .select('client_id')
    .where('client_id', 'in', clientIds)
    .where('disabled_at', 'is', null)
    .where('metadata', 'like', '%"backchannel_logout_uri"%')
    .execute();
  return new Set(rows.map(({ client_id }) => client_id));
}
