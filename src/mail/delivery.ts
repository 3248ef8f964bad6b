import { days, hours, minutes, seconds } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { Database, MessagesTable } from '../store/tables.ts';
import { describeError } from '../web/log.ts';
import type { MessageBody } from './compose.ts';
import { openTransports, PermanentRefusal, type Transports } from './transports.ts';

type DeliveryServices = Pick<Services, 'db' | 'clock' | 'seals' | 'settings' | 'log'>;

/** Longer than any transport's own limits together: whoever holds a message that long has died with it. */
const lease = 60 * seconds;
const pollEvery = 2 * seconds;
const forgetEvery = 1 * hours;
const atOnce = 10;

// Which delivery to wake when this process wrote a message; the others find it at their next look.
const kicks = new WeakMap<Database, () => void>();

/**
 * Soon, and not at once: what a delivery costs would lie on the answer that is on its way, and only where there is
 * somebody to write to, so that time would tell who has an account.
 */
export function kickDelivery(db: Database): void {
  kicks.get(db)?.();
}

/**
 * Sends what is due, from now until `stop`, which waits for what is on its way. Every process may run one. Without a
 * transport messages stay where they are, for the development outbox.
 */
export function startDelivery(services: DeliveryServices): { stop(): Promise<void> } {
  const { db, clock, settings, log } = services;
  const transports = openTransports(settings);
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let wanted = false;
  let stopped = false;
  let forgotAt = clock.now();

  function look(): void {
    wanted = true;
    if (round || stopped) return;
    clearTimeout(timer);
    round = rounds().finally(() => {
      round = undefined;
      if (wanted) look();
      else if (!stopped) timer = setTimeout(look, pollEvery).unref();
    });
  }

  async function rounds(): Promise<void> {
    while (wanted && !stopped) {
      wanted = false;
      try {
        await deliverDue(services, transports);
        await forgetNowAndThen();
      } catch (error) {
        log.error({ error: describeError(error) }, 'messages could not be delivered');
      }
    }
  }

  async function forgetNowAndThen(): Promise<void> {
    if (clock.now() - forgotAt < forgetEvery) return;
    forgotAt = clock.now();
    await forgetOldMessages(services);
  }

  kicks.set(db, () => setTimeout(look, 200 + 200 * Math.random()).unref());
  look();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      kicks.delete(db);
      await round;
    },
  };
}

/** Sends everything that is due now; answers how many left. */
export async function deliverDue(services: DeliveryServices, transports: Transports): Promise<number> {
  const channels = (['email', 'sms'] as const).filter((channel) => transports[channel]);
  let sent = 0;
  if (channels.length === 0) return sent;
  for (let due = await claim(services, channels); due.length > 0; due = await claim(services, channels)) {
    const results = await Promise.allSettled(due.map((row) => deliver(services, transports, row)));
    for (const result of results)
      if (result.status === 'rejected') throw result.reason;
      else if (result.value) sent += 1;
  }
  return sent;
}

/**
 * Takes due messages so that no other process does: the same statement that finds them moves their next attempt, and
 * looks again at each row as it does so. Should we die on the way, they are due again when the lease is over.
 */
function claim({ db, clock }: DeliveryServices, channels: readonly ('email' | 'sms')[]) {
  const now = clock.now();
  return db
    .updateTable('messages')
    .set((eb) => ({ attempts: eb('attempts', '+', 1), next_attempt_at: now + lease }))
    .where('sent_at', 'is', null)
    .where('failed_at', 'is', null)
    .where('next_attempt_at', '<=', now)
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('messages')
        .select('id')
        .where('sent_at', 'is', null)
        .where('failed_at', 'is', null)
        .where('channel', 'in', channels)
        .where('next_attempt_at', '<=', now)
        .orderBy('next_attempt_at')
        .limit(atOnce),
    )
    .returningAll()
    .execute();
}

/** When the outcome cannot be written down, the row is due again after its lease: twice is better than never. */
async function deliver(
  services: DeliveryServices,
  transports: Transports,
  row: MessagesTable,
): Promise<boolean> {
  const { clock, log } = services;
  const about = { message: row.id, channel: row.channel, attempt: row.attempts };
  try {
    await attempt(services, transports, row);
  } catch (error) {
    const problem = nameOf(error);
    log.warn({ ...about, problem }, 'message not sent');
    if (error instanceof PermanentRefusal)
      await close(services, row.id, { failed_at: clock.now(), last_error: problem });
    else await tryLater(services, row, problem);
    return false;
  }
  await close(services, row.id, { sent_at: clock.now(), last_error: null });
  log.info(about, 'message sent');
  return true;
}

async function attempt({ clock, seals }: DeliveryServices, transports: Transports, row: MessagesTable) {
  const message = openBody(seals, row);
  if (clock.now() >= message.until) throw new PermanentRefusal('too old');
  await transports[row.channel]?.(row.id, message);
}

function openBody(seals: Services['seals'], row: MessagesTable): MessageBody {
  try {
    return JSON.parse(seals.open('message', row.body));
  } catch {
    throw new PermanentRefusal('no key of SECRETS_KEY opens it');
  }
}

/** Whether it left or never will: nobody needs the code or the address in it any more. */
async function close(
  { db }: DeliveryServices,
  id: string,
  outcome: Partial<Pick<MessagesTable, 'sent_at' | 'failed_at' | 'last_error'>>,
): Promise<void> {
  await db
    .updateTable('messages')
    .set({ ...outcome, body: '' })
    .where('id', '=', id)
    .execute();
}

async function tryLater({ db, clock }: DeliveryServices, row: MessagesTable, problem: string): Promise<void> {
  const now = clock.now();
  await db
    .updateTable('messages')
    .set({ next_attempt_at: now + pause(now - row.at), last_error: problem })
    .where('id', '=', row.id)
    .execute();
}

/**
 * A share of the message's age, so that pauses grow with the outage: a second at first, ten after two minutes, a quarter
 * of an hour at most. A random fifth is added or taken, so that a server that comes back is not met by all at once.
 */
function pause(age: number): number {
  const even = Math.min(Math.max(age / 12, 1 * seconds), 15 * minutes);
  return Math.round(even * (0.8 + Math.random() * 0.4));
}

/** What went wrong, without addresses: a mail server's own words have them. */
function nameOf(error: unknown): string {
  if (error instanceof PermanentRefusal) return error.message;
  const { code, responseCode, name, message } = error as Error & { code?: string; responseCode?: number };
  const status = /^HTTP \d{3}$/.test(message ?? '') ? message : undefined;
  return [code ?? status ?? name ?? 'unknown', responseCode]
    .filter((word) => word !== undefined)
    .join(' ')
    .slice(0, 100);
}

/** Rows without a body say when something left, which is worth a week; what never left, and why, is worth a month. */
export async function forgetOldMessages({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> {
  const now = clock.now();
  await db
    .deleteFrom('messages')
    .where((eb) => eb.or([eb('sent_at', '<', now - 7 * days), eb('at', '<', now - 30 * days)]))
    .execute();
}
