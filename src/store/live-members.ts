import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IndexMember, LiveKey, LiveStore } from './live.ts';

type Live = { live: Pick<LiveStore, 'members'> };

/** An index page by page, for what works through it: what it has done may be struck while it goes on. */
export async function* memberPages({ live }: Live, key: LiveKey): AsyncGenerator<IndexMember[]> {
  let from: string | undefined;
  do {
    const { members, next } = await live.members(key, from);
    if (members.length > 0) yield members;
    from = next;
    // The embedded store answers without ever waiting: others have their turn here.
    if (from !== undefined) await nextTurn();
  } while (from !== undefined);
}

/** All of them, the soonest to expire first. */
export async function allMembers(context: Live, key: LiveKey): Promise<IndexMember[]> {
  const all = (await Array.fromAsync(memberPages(context, key))).flat();
  return all.sort((one, other) => one.expiresAt - other.expiresAt || (one.member < other.member ? -1 : 1));
}
