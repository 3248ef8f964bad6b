import type { Client, Provider } from 'oidc-provider';
import { recordEvent } from '../../audit/record.ts';
import { hours, minutes, seconds } from '../../kit/durations.ts';
import type { App } from '../../services.ts';
import type { LogoutNoticesTable } from '../../store/delivery-tables.ts';
import { sendDue, startQueue } from '../../store/queues.ts';
import { describeError } from '../../web/log.ts';
import { currentContext } from '../engine-context.ts';
import { noteLogout } from './logout-notices.ts';

/** Longer than the engine lets a fetch take. */
const lease = 30 * seconds;
const pollEvery = 2 * seconds;
const giveUpAfter = 24 * hours;

type Send = (this: Client, accountId: string, sid: string) => Promise<void>;
const sends = new WeakMap<Provider, Send>();

/**
 * The engine would tell all apps inside the request that signs out, and wait for the slowest before it ends anything
 * (engine facts 13). What it does to tell one app is kept for the delivery; in a request it only notes.
 */
export function noteLogouts(provider: Provider, services: Pick<App, 'db' | 'clock' | 'log'>): void {
  const { prototype } = provider.Client as unknown as { prototype: { backchannelLogout: Send } };
  sends.set(provider, prototype.backchannelLogout);
  prototype.backchannelLogout = async function (this: Client, accountId, sid) {
    // Where the session ends, that is noted for all apps at once (session-ending.ts). Here one app alone is left.
    if (currentContext()?.oidc.params?.['logout']) return;
    await noteLogout(services, { accountId, authorizations: { [this.clientId]: { sid } } });
  };
}

/** Tells apps what is due, from now until `stop`, which waits for what is on its way. Every process may run one. */
export function startNoticeDelivery(app: App): { stop(): Promise<void> } {
  return startQueue(app, {
    queue: 'logout_notices',
    every: pollEvery,
    wakesAfter: () => 0,
    work: () => sendDue(app, { queue: 'logout_notices', lease, send: (notice) => deliver(app, notice) }),
    failed: (error) => app.log.warn({ error: describeError(error) }, 'logout notices could not be delivered'),
  });
}

async function deliver(app: App, notice: LogoutNoticesTable): Promise<void> {
  // One engine for all of it: a rotation may put another in its place meanwhile.
  const { db, log, provider } = app;
  const about = { clientId: notice.client_id, attempt: notice.attempts };
  const client = await provider.Client.find(notice.client_id);
  const send = sends.get(provider);
  if (client?.['backchannelLogoutUri'] && send) {
    try {
      await send.call(client, notice.account_id, notice.sid);
      log.info(about, 'an app was told that a session ended');
    } catch (error) {
      log.warn({ ...about, error: describeError(error) }, 'an app could not be told that a session ended');
      return tryLater(app, notice);
    }
  }
  // Also for an app that is gone or listens no more.
  await db.deleteFrom('logout_notices').where('id', '=', notice.id).execute();
}

/** A share of the notice's age, so that pauses grow with the outage: two seconds at first, an hour at most. */
async function tryLater(app: App, notice: LogoutNoticesTable): Promise<void> {
  const { db, clock } = app;
  const age = clock.now() - notice.at;
  if (age >= giveUpAfter) return giveUp(app, notice);
  const pause = Math.min(Math.max(age / 2, 2 * seconds), 60 * minutes);
  const next = Math.round(clock.now() + pause * (0.8 + Math.random() * 0.4));
  // What else there is for the same app waits with it, so that one that is down holds up nobody else.
  await db
    .updateTable('logout_notices')
    .set({ next_attempt_at: next })
    .where('client_id', '=', notice.client_id)
    .where((eb) => eb.or([eb('id', '=', notice.id), eb('next_attempt_at', '<', next)]))
    .execute();
}

async function giveUp(app: App, { id, client_id, account_id, attempts }: LogoutNoticesTable): Promise<void> {
  const whose = { clientId: client_id, accountId: account_id };
  await recordEvent(app, { type: 'logout.undelivered', ...whose, detail: { attempts } });
  await app.db.deleteFrom('logout_notices').where('id', '=', id).execute();
}
