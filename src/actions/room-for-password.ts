import { type Claimant, findClaimant } from '../accounts/claimant.ts';
import { parseIdentifier } from '../accounts/identifier.ts';
import { isKnownBrowser } from '../credentials/known-browsers.ts';
import type { Subject } from '../limits/failures.ts';
import { giveBack, type Limited, orGiveBack, type Take, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type Room = { ok: true; taken: Take[]; whose: Whose };
export type Whose = { claimant: Claimant | undefined; subject: Subject };

/**
 * Whether a password may be tried by this sender, and whose it is to be; `taken` is to be given back when it was right. Who is
 * refused by their own limits uses up nothing of what everybody shares, and is looked up nowhere.
 *
 * What everybody shares is used up by an attacker with many addresses in a moment. That must not keep out who signed in here
 * before: their browser is known by its cookie, and has few tries of its own at that account (misuse case SI-07).
 */
export async function roomForPassword(
  app: Context,
  identifier: string,
  from: RequestSource,
): Promise<Room | Limited> {
  const own: Take[] = [
    { limit: 'password_by_address', key: from.ip },
    { limit: 'password_by_network', key: from.ip },
  ];
  const room = await takeFromLimits(app, own);
  if (!room.ok) return room;
  const everyone: Take = { limit: 'password_by_everyone' };
  return await orGiveBack(app, own, async (back) => {
    const { rest, whose } = await takeAndFind(app, everyone, identifier);
    if (rest.ok) return { ok: true, taken: [...own, everyone], whose };
    if (await isOwners(app, whose, from)) return { ok: true, taken: own, whose };
    await back();
    return rest;
  });
}

/** It is looked up whose it is while the limit is counted. When that fails, nothing was taken. */
async function takeAndFind(
  app: Context,
  everyone: Take,
  identifier: string,
): Promise<{ rest: { ok: true } | Limited; whose: Whose }> {
  const [rest, whose] = await Promise.allSettled([
    takeFromLimits(app, [everyone]),
    whoseTry(app, identifier),
  ]);
  if (rest.status === 'rejected') throw rest.reason;
  if (whose.status === 'fulfilled') return { rest: rest.value, whose: whose.value };
  if (rest.value.ok) await giveBack(app, [everyone]).catch(() => undefined);
  throw whose.reason;
}

/**
 * Tries at an account are counted by the account, whichever of its addresses was typed; tries at what is no account are
 * counted by what was typed, so that a name nobody has slows down just the same. Keyed, since people type passwords
 * where the address belongs.
 */
async function whoseTry({ db, seals, settings }: Context, identifier: string): Promise<Whose> {
  const parsed = parseIdentifier(identifier, { region: settings.DEFAULT_PHONE_REGION });
  // What is no address is looked up all the same, for the time it takes; no stored address is empty.
  const address = parsed.ok ? parsed : { channel: 'email' as const, address: '' };
  const claimant = await findClaimant({ db }, address);
  const nobody = seals.mac('sign-in identifier', address.address || identifier.trim().toLowerCase());
  return { claimant, subject: claimant ? { account: claimant.accountId } : { nobody } };
}

async function isOwners(
  ctx: Context,
  { claimant }: Whose,
  { browser: token }: RequestSource,
): Promise<boolean> {
  // Asked for whether or not there is such an account, so that the time does not tell; no account has an empty id.
  const known = await isKnownBrowser(ctx, { token, accountId: claimant?.accountId ?? '' });
  return claimant !== undefined && known;
}
