import { minutes, seconds } from '../../kit/durations.ts';
import { newId } from '../../kit/secrets.ts';
import type { App, Services } from '../../services.ts';
import { sendDue, startQueue, wakeQueue } from '../../store/queues.ts';
import type { CibaPingsTable } from '../../store/tables.ts';
import { describeError } from '../../web/log.ts';

/**
 * The ping delivery mode (CIBA Core section 10.2): an app is told that there is an answer, and fetches it. What is to be sent is
 * kept until it arrived or the request is over, so that a process that ends owes nothing; and an app that hears nothing may
 * ask anyway. The request leaves through the engine's own way out (egress.ts).
 */
const lease = 30 * seconds;
const lookEvery = 3 * seconds;
const keptAfterwards = 5 * minutes;
const purpose = 'ciba ping';

export type Ping = { authReqId: string; token: string };

export function sealPing({ seals }: Pick<Services, 'seals'>, ping: Ping): string {
  return seals.seal(purpose, JSON.stringify(ping));
}

/** After an answer, whichever it was. */
export async function notePing(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  asked: { clientId: string; expiresAt: number; read: { stored: { ping?: string | undefined } } },
): Promise<void> {
  const { ping } = asked.read.stored;
  if (!ping) return;
  const now = clock.now();
  const until = asked.expiresAt + keptAfterwards;
  await db
    .insertInto('ciba_pings')
    .values({ id: newId(), client_id: asked.clientId, ping, until, attempts: 0, next_attempt_at: now })
    .execute();
  wakeQueue(db, 'ciba_pings');
}

export function startPingDelivery(app: App): { stop(): Promise<void> } {
  return startQueue(app, {
    queue: 'ciba_pings',
    every: lookEvery,
    wakesAfter: () => 0,
    work: () => sendDue(app, { queue: 'ciba_pings', lease, send: (row) => deliver(app, row) }),
    failed: (error) => app.log.warn({ error: describeError(error) }, 'pings could not be delivered'),
  });
}

async function deliver(app: App, row: CibaPingsTable): Promise<void> {
  const { db, clock, log } = app;
  const about = { clientId: row.client_id, attempt: row.attempts };
  try {
    await send(app, row);
    log.info(about, 'an app was told that its request was answered');
  } catch (error) {
    log.warn(
      { ...about, error: describeError(error) },
      'an app could not be told that its request was answered',
    );
    const next = clock.now() + Math.min(2 ** row.attempts, 60) * seconds;
    if (next < row.until && !isRefusal(error)) {
      await db.updateTable('ciba_pings').set({ next_attempt_at: next }).where('id', '=', row.id).execute();
      return;
    }
  }
  await db.deleteFrom('ciba_pings').where('id', '=', row.id).execute();
}

/** The app heard it and wants none of it, or elsewhere: told again it would say the same (CIBA Core section 10.2). */
function isRefusal(error: unknown): boolean {
  const { response, cause } = error as { response?: { status: number }; cause?: { message?: string } };
  // What the way out (egress.ts) makes of an answer that sends it on.
  if (!response) return cause?.message === 'unexpected redirect';
  return response.status >= 400 && response.status < 500 && ![408, 429].includes(response.status);
}

/** The engine's own request; it looks at nothing of ours but these members. */
type Pings = { backchannelPing(request: object): Promise<void>; backchannelTokenDeliveryMode?: string };

async function send({ provider, seals }: App, row: CibaPingsTable): Promise<void> {
  const client = (await provider.Client.find(row.client_id)) as unknown as Pings | undefined;
  // An app that is gone, or wants no pings any more.
  if (client?.backchannelTokenDeliveryMode !== 'ping') return;
  const { authReqId, token } = JSON.parse(seals.open(purpose, row.ping)) as Ping;
  const params = { client_notification_token: token };
  await client.backchannelPing({ kind: 'BackchannelAuthenticationRequest', jti: authReqId, params });
}
