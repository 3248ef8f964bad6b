import { z } from 'zod';
import { type Account, findAccount } from '../accounts/account.ts';
import { firstContact } from '../accounts/claims.ts';
import { days } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { Remembered } from '../web/remembered-cookies.ts';

/**
 * Who signed in on this browser, for the account chooser. It lets nobody in and skips nothing. The browser holds the
 * accounts' ids, sealed, so nothing is kept here and nothing can be read or made up there; who they are is looked up when
 * the page is shown. Of an account that is gone, suspended, locked, or was signed out everywhere since, the page shows nothing.
 */
export const rememberedLifeMs = 180 * days;
const mostRemembered = 5;
const purpose = 'remembered accounts';

type Context = Pick<Services, 'db' | 'seals' | 'clock'>;
/** Names the account in forms; tells nothing to who reads the page. */
export type Handle = string;
export type RememberedAccount = { handle: Handle; accountId: string; name: string; address: string };

const entries = z.array(z.tuple([z.string(), z.number()])).max(2 * mostRemembered);
type Entry = [accountId: string, at: number];

/** The last one that signed in comes first. */
export async function listRemembered(ctx: Context, cookies: Remembered): Promise<RememberedAccount[]> {
  const known = [...opened(ctx, cookies.lasting), ...opened(ctx, cookies.passing)].toSorted(
    (a, b) => b[1] - a[1],
  );
  const found = await Promise.all(
    known.map(async ([accountId, at]) => {
      const account = await findAccount(ctx, accountId);
      return account && maybeShown(account, at) ? describe(ctx, account) : undefined;
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** As the chooser names an account: enough to know one's own by. */
export function describe({ seals }: Pick<Services, 'seals'>, account: Account): RememberedAccount {
  const contact = firstContact(account, 'email') ?? firstContact(account, 'phone');
  const address = contact ? masked(contact) : '';
  const { name, nickname } = account.profile as { name?: string; nickname?: string };
  return {
    handle: handleOf({ seals }, account.id),
    accountId: account.id,
    name: name ?? nickname ?? address,
    address,
  };
}

/** `remember`: they want to stay signed in on this device; otherwise the account is forgotten when the browser closes. */
export function rememberAccount(
  ctx: Pick<Services, 'seals' | 'clock'>,
  cookies: Remembered,
  { accountId, remember }: { accountId: string; remember: boolean },
): Remembered {
  const lasting = without(opened(ctx, cookies.lasting), accountId);
  const passing = without(opened(ctx, cookies.passing), accountId);
  (remember ? lasting : passing).unshift([accountId, ctx.clock.now()]);
  return { lasting: sealed(ctx, lasting), passing: sealed(ctx, passing) };
}

export function forgetAccount(
  ctx: Pick<Services, 'seals'>,
  cookies: Remembered,
  { handle }: { handle: Handle },
): Remembered {
  const kept = (value: string | undefined) =>
    sealed(
      ctx,
      opened(ctx, value).filter(([accountId]) => handleOf(ctx, accountId) !== handle),
    );
  return { lasting: kept(cookies.lasting), passing: kept(cookies.passing) };
}

function maybeShown({ suspendedAt, lockedAt, signedOutBefore }: Account, at: number): boolean {
  return suspendedAt === null && lockedAt === null && (signedOutBefore ?? 0) <= at;
}

function masked({ channel, written }: { channel: string; written: string }): string {
  const [first = ''] = [...written];
  const end = channel === 'email' ? written.slice(written.lastIndexOf('@')) : written.slice(-2);
  // Left to right in every language (UAX 9, LRI and PDI).
  return `\u2066${channel === 'email' ? first : ''}••••${end}\u2069`;
}

function handleOf({ seals }: Pick<Services, 'seals'>, accountId: string): Handle {
  return seals.mac(purpose, accountId).slice(0, 22);
}

function without(list: Entry[], accountId: string): Entry[] {
  return list.filter(([one]) => one !== accountId);
}

/** What is not ours, or sealed by a key that is gone, is nothing. */
function opened({ seals }: Pick<Services, 'seals'>, value: string | undefined): Entry[] {
  if (value === undefined) return [];
  try {
    const parsed = entries.safeParse(JSON.parse(seals.open(purpose, value)));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

function sealed({ seals }: Pick<Services, 'seals'>, list: Entry[]): string | undefined {
  return list.length > 0 ? seals.seal(purpose, JSON.stringify(list.slice(0, mostRemembered))) : undefined;
}
