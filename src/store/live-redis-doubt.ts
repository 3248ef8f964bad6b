import { hostName, type RedisHost } from './live-redis-address.ts';
import type { RedisLine } from './live-redis-line.ts';
import { isAt } from './live-redis-sentinels.ts';

/** What is asked of a connection: where it leads, and to be made anew. */
type Line = Pick<RedisLine, 'peer' | 'reconnect'>;

const cutOff =
  'no more than half of the sentinels answer, and no replica follows the primary: another one may be in its place';
const replaced = (primary: RedisHost) =>
  `the newest choice of the sentinels is ${hostName(primary)}, and we talk to another`;

/**
 * Whether ours may be the primary no more, since another one may be in its place. Told each second what the sentinels say, or
 * that too few of them can be heard; then `isFollowed` tells whether a replica follows ours (undefined: it did not say).
 */
export function openDoubt(lines: readonly Line[], isFollowed: () => Promise<boolean | undefined>) {
  let doubt: string | undefined;
  // Whom the sentinels named when they were heard last, as long as a connection led elsewhere then.
  let named: RedisHost | undefined;
  return {
    /** Undefined where there is none. */
    why: () => doubt,
    async heard(primary: RedisHost): Promise<void> {
      doubt = await doubtOf(lines, primary, doubt);
      named = doubt === undefined ? undefined : primary;
    },
    async unheard(): Promise<void> {
      const followed = await isFollowed();
      // What does not answer is not read from either; what was doubted still is.
      if (followed === undefined) return;
      // Of one that was replaced, its own replica may not have heard of that either.
      doubt = followed ? named && (await doubtOf(lines, named, doubt)) : cutOff;
    },
  };
}

/** A connection that leads elsewhere is made anew, and none is used until all lead to the primary that the sentinels name. */
async function doubtOf(
  lines: readonly Line[],
  primary: RedisHost,
  before: string | undefined,
): Promise<string | undefined> {
  const right = await Promise.all(lines.map(async ({ peer }) => peer && (await isAt(peer, primary))));
  for (const [place, line] of lines.entries()) if (right[place] === false) line.reconnect();
  if (right.includes(false)) return replaced(primary);
  // One that is being made may lead to the old one once more.
  return right.includes(undefined) ? before : undefined;
}
