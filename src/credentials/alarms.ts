import { days, hours } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { digest, newSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';

/**
 * The link "It wasn't me" in a notice. It lets nobody in: it can only be used to shut an account, once, within a week, by
 * whoever reads the addresses of its owner. That it was used holds sensitive changes back for a day.
 *
 *   sent --pressed--> raised         --a week--> over
 */
const alarmLife = 7 * days;
const freezeLasts = 24 * hours;

type Context = Pick<Services, 'db' | 'clock'>;

/** Answers the secret for the link. `about` is the name of the message. */
export async function addAlarm(
  { db, clock }: Context,
  { accountId, about }: { accountId: string; about: string },
): Promise<string> {
  const [secret, now] = [newSecret(), clock.now()];
  await db.deleteFrom('alarms').where('expires_at', '<=', now).execute();
  await db
    .insertInto('alarms')
    .values({
      digest: digest(secret),
      account_id: accountId,
      about,
      created_at: now,
      expires_at: now + alarmLife,
      raised_at: null,
    })
    .execute();
  return secret;
}

export type Alarm = { accountId: string; about: string; createdAt: number };
type AlarmRefusal = 'unknown' | 'already_raised';

/** Only looks: what opens links before people do must trigger nothing. */
export async function findAlarm(
  { db, clock }: Context,
  secret: string,
): Promise<Outcome<{ alarm: Alarm }, AlarmRefusal>> {
  const row = await db
    .selectFrom('alarms')
    .selectAll()
    .where('digest', '=', digest(secret))
    .where('expires_at', '>', clock.now())
    .executeTakeFirst();
  if (!row) return refused('unknown');
  if (row.raised_at !== null) return refused('already_raised');
  const { account_id: accountId, about, created_at: createdAt } = row;
  return { ok: true, alarm: { accountId, about, createdAt } };
}

/** Answers whether this request was the one that raised it. */
export async function raiseAlarm({ db, clock }: Context, secret: string): Promise<boolean> {
  const now = clock.now();
  const { numUpdatedRows } = await db
    .updateTable('alarms')
    .set({ raised_at: now, expires_at: now + alarmLife })
    .where('digest', '=', digest(secret))
    .where('raised_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Until when sensitive changes of the account wait; undefined when they do not. */
export async function frozenUntil({ db, clock }: Context, accountId: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('alarms')
    .select((eb) => eb.fn.max('raised_at').as('raised'))
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  const until = Number(row?.raised ?? 0) + freezeLasts;
  return until > clock.now() ? until : undefined;
}
