import { sql } from 'kysely';
import type { EventType } from '../audit/catalogue.ts';
import { keyOf, knownBrowserLifeMs } from '../credentials/known-browsers.ts';
import { nameOf } from '../limits/failures.ts';
import type { Proof } from '../limits/waits.ts';
import type { Generation } from '../oidc/endings.ts';
import { readSignInGeneration } from '../oidc/interaction.ts';
import type { Services } from '../services.ts';
import { statement } from '../store/statement.ts';
import type { Database } from '../store/tables.ts';
import { manyFailures } from './risk-rules.ts';
import { mayText } from './second-step-text.ts';

/**
 * Where an account stands, as far as the end of a sign-in asks: may it come in, does it ask for a second step, is the browser
 * known, what was lately. All of one moment and in one statement over the tables of several rooms, which it only reads: each
 * question by itself cost every sign-in a query. Who writes by it writes so that a race is seen all the same.
 */
export type Standing = {
  /** From before all of the rest was read (src/oidc/endings.ts, step 1). */
  generation: Generation;
  suspendedAt: number | null;
  lockedAt: number | null;
  signedOutBefore: number | null;
  passwordChangedAt: number | null;
  asksForSecondStep: boolean;
  knownBrowser: boolean;
  /** How many browsers are known to it. */
  browsers: number;
  /** Of a browser that is not known: the last sign-in, and the moment since which there were many refused ones. */
  lastSignInAt: number | null;
  manyFailuresSince: number | null;
  /** Against which proofs something stands. */
  tried: Proof[];
};

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'settings'>;

/** Undefined when there is no such account. */
export async function readStanding(
  ctx: Context,
  {
    accountId,
    browser,
    generation: before,
  }: {
    accountId: string;
    browser: string | undefined;
    /** Where it was read already, beside what had to come before. */
    generation?: { read: Generation } | undefined;
  },
): Promise<Standing | undefined> {
  const generation = before ? before.read : await readSignInGeneration(ctx, accountId);
  const key = keyOf(browser);
  const seenAfter = ctx.clock.now() - knownBrowserLifeMs;
  const given = { accountId, subject: nameOf({ account: accountId }), ...key, seenAfter };
  const [row] = (await standing(ctx.db, given)).rows;
  if (!row) return undefined;
  const texts = row.texts > 0 && mayText(ctx.settings);
  return {
    generation,
    suspendedAt: row.suspended_at,
    lockedAt: row.locked_at,
    signedOutBefore: row.signed_out_before,
    passwordChangedAt: row.changed_at,
    asksForSecondStep: row.turned_on_at !== null || row.apps > 0 || texts,
    knownBrowser: row.knownBrowser > 0,
    browsers: row.browsers,
    lastSignInAt: row.lastSignInAt,
    manyFailuresSince: row.manyFailuresSince,
    tried: [
      ...(row.triedPassword > 0 ? (['password'] as const) : []),
      ...(row.triedSecondStep > 0 ? (['second_step'] as const) : []),
    ],
  };
}

type Given = { accountId: string; subject: string; id: string; secret: string; seenAfter: number };

const many = sql<number>`count(*)`.as('many');

const standing = statement((db, given: Given) => {
  const { accountId } = given;
  const known = knownAs(db, given);
  // Only looked through for a browser that is not known: of who signs in all day there are many.
  const lately = (type: EventType, place: number) =>
    sql<number | null>`case when ${known} = 0 then ${eventAt(db, { accountId, type, place })} end`;
  const of = (table: 'totp_credentials' | 'known_browsers') =>
    sql<number>`${db.selectFrom(table).select(many).where('account_id', '=', accountId)}`;
  const tried = (proof: Proof) => sql<number>`${triesStand(db, { subject: given.subject, proof })}`;
  return db
    .selectFrom('accounts')
    .leftJoin('passwords', 'passwords.account_id', 'accounts.id')
    .leftJoin('two_step', 'two_step.account_id', 'accounts.id')
    .where('accounts.id', '=', accountId)
    .select(['suspended_at', 'locked_at', 'signed_out_before', 'changed_at', 'turned_on_at'])
    .select([
      of('totp_credentials').as('apps'),
      sql<number>`${provedNumbers(db, accountId)}`.as('texts'),
      of('known_browsers').as('browsers'),
      sql<number>`${known}`.as('knownBrowser'),
      tried('password').as('triedPassword'),
      tried('second_step').as('triedSecondStep'),
      lately('account.signed_in', 0).as('lastSignInAt'),
      lately('account.sign_in_failed', manyFailures - 1).as('manyFailuresSince'),
    ]);
});

function knownAs(db: Database, { accountId, id, secret, seenAfter }: Given) {
  return db
    .selectFrom('known_browsers')
    .select(many)
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('secret', '=', secret)
    .where('last_seen_at', '>', seenAfter);
}

function triesStand(db: Database, { subject, proof }: { subject: string; proof: Proof }) {
  return db
    .selectFrom('failures')
    .select(many)
    .where('subject', '=', subject)
    .where('proof', '=', sql.lit(proof))
    .where('in_a_row', '>', 0);
}

/** As src/credentials/text-steps.ts lists them. */
function provedNumbers(db: Database, accountId: string) {
  return db
    .selectFrom('text_steps')
    .innerJoin('contacts', (join) =>
      join
        .onRef('contacts.id', '=', 'text_steps.contact_id')
        .onRef('contacts.account_id', '=', 'text_steps.account_id'),
    )
    .select(many)
    .where('text_steps.account_id', '=', accountId)
    .where('contacts.channel', '=', sql.lit('phone'))
    .where('contacts.verified_at', 'is not', null);
}

/** Of the newest events of that type, the one at this place (from 0). */
function eventAt(
  db: Database,
  { accountId, type, place }: { accountId: string; type: EventType; place: number },
) {
  return db
    .selectFrom('audit_events')
    .select('at')
    .where('account_id', '=', accountId)
    .where('type', '=', sql.lit(type))
    .orderBy('id', 'desc')
    .limit(sql.lit(1))
    .offset(sql.lit(place));
}
