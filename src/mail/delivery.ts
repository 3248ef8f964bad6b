import { days, hours, minutes, seconds } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import { sendDue, startQueue } from '../store/queues.ts';
import type { MessagesTable } from '../store/tables.ts';
import { describeError } from '../web/log.ts';
import type { MessageBody } from './compose.ts';
import { openTransports, PermanentRefusal, type Transports } from './transports.ts';

type DeliveryServices = Pick<Services, 'db' | 'clock' | 'seals' | 'settings' | 'log'>;

/** Longer than any transport's own limits together. */
const lease = 60 * seconds;
const pollEvery = 2 * seconds;
const forgetEvery = 1 * hours;

/**
 * Soon, and not at once: what a delivery costs would lie on the answer that is on its way, and only where there is
 * somebody to write to, so that time would tell who has an account.
 */
const soon = () => 200 + 200 * Math.random();

/**
 * Sends what is due, from now until `stop`, which waits for what is on its way. Every process may run one. Without a
 * transport messages stay where they are, for the development outbox.
 */
export function startDelivery(services: DeliveryServices): { stop(): Promise<void> } {
  const { clock, settings, log } = services;
  const transports = openTransports(settings);
  let forgotAt = clock.now();

  async function forgetNowAndThen(): Promise<void> {
    if (clock.now() - forgotAt < forgetEvery) return;
    forgotAt = clock.now();
    await forgetOldMessages(services);
  }

  return startQueue(services, {
    queue: 'messages',
    every: pollEvery,
    wakesAfter: soon,
    async work() {
      await deliverDue(services, transports);
      await forgetNowAndThen();
    },
    failed: (error) => log.error({ error: describeError(error) }, 'messages could not be delivered'),
  });
}

/** Sends everything that is due now; answers how many left. */
export async function deliverDue(services: DeliveryServices, transports: Transports): Promise<number> {
  const channels = (['email', 'sms'] as const).filter((channel) => transports[channel]);
  let sent = 0;
  if (channels.length === 0) return sent;
  await sendDue(services, {
    queue: 'messages',
    lease,
    only: (eb) =>
      eb.and([eb('sent_at', 'is', null), eb('failed_at', 'is', null), eb('channel', 'in', channels)]),
    async send(row) {
      if (await deliver(services, transports, row)) sent += 1;
    },
  });
  return sent;
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
