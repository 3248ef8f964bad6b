import type { RaceWorld } from './race-world.ts';

/** What somebody decided about an app. */
export type Pair = { accountId: string; clientId: string };

/** How many events tell of a decision. */
export async function decisions(
  { desks: [{ db }] }: RaceWorld,
  { accountId, clientId }: Pair,
  types: readonly string[],
): Promise<number> {
  const events = await db
    .selectFrom('audit_events')
    .where('account_id', '=', accountId)
    .where('client_id', '=', clientId)
    .where('type', 'in', types)
    .select('id')
    .execute();
  return events.length;
}
