import { findAccountByIdentifier } from '../accounts/account.ts';
import { parseIdentifier } from '../accounts/identifier.ts';
import { isKnownBrowser } from '../credentials/known-browsers.ts';
import { type Limited, type Take, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;

/**
 * Whether a password may be tried by this sender, before it is known whose it is; `taken` is to be given back when it was right.
 * What everybody shares is used up by an attacker with many addresses in a moment. That must not keep out who signed in here
 * before: their browser is known by its cookie, and has few tries of its own at that account (misuse case SI-07).
 */
export async function roomForPassword(
  app: Context,
  identifier: string,
  from: RequestSource,
): Promise<{ ok: true; taken: Take[] } | Limited> {
  const own: Take[] = [
    { limit: 'password_by_address', key: from.ip },
    { limit: 'password_by_network', key: from.ip },
  ];
  const room = await takeFromLimits(app, own);
  if (!room.ok) return room;
  const everyone: Take = { limit: 'password_by_everyone' };
  const rest = await takeFromLimits(app, [everyone]);
  if (rest.ok) return { ok: true, taken: [...own, everyone] };
  return (await isOwners(app, identifier, from)) ? { ok: true, taken: own } : rest;
}

async function isOwners(
  { db, clock, settings }: Context,
  identifier: string,
  { browser: token }: RequestSource,
): Promise<boolean> {
  const parsed = parseIdentifier(identifier, { region: settings.DEFAULT_PHONE_REGION });
  if (!parsed.ok || token === undefined) return false;
  const account = await findAccountByIdentifier({ db }, parsed);
  return account !== undefined && (await isKnownBrowser({ db, clock }, { token, accountId: account.id }));
}
