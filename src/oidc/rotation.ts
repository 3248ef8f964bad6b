import { seconds } from '../kit/durations.ts';
import { newId } from '../kit/secrets.ts';
import type { Settings } from '../settings.ts';
import type { LiveKey } from '../store/live.ts';

/**
 * A refresh token in the request that presented it. Each use spends it and gives its successor (RFC 9700 section 4.14.2).
 * Who uses one a second time within the time of grace, from the same sender, asks for what was lost on the wire or for
 * what its twin in another tab was just given, and gets the same successor: decision 0017.
 */
export type Rotation = {
  presented: string;
  key: LiveKey;
  /** How it was spent; undefined while it is unused. */
  spent: Spent | undefined;
  /** Spent so lately that this may be an honest repetition. */
  repeats: boolean;
  successorOf(spent: Spent): Successor;
  /** How this request spends it, or how the one did that it repeats, and what follows: known when the engine issues it. */
  use?: Spent & { successor: Successor };
};

type Successor = { token: string; key: LiveKey };

/** What is written down beside a token that was spent. */
export type Spent = {
  /** Epoch milliseconds. */
  at: number;
  /** The end of the successor, as refresh-token-text.ts writes it. */
  end: string;
  /** Names the request, and makes the successor unknown to who has the token alone. */
  nonce: string;
  /** The key the access token was bound to, of which the beginning is enough; empty without (RFC 9449). */
  sender: string;
};

export function newSpent({ at, end }: { at: number; end: string }): Spent {
  return { at, end, nonce: newId(), sender: '' };
}

export function writeSpent({ at, end, nonce, sender }: Spent): string {
  return `${at.toString(36)} ${end} ${nonce} ${shortSender(sender)}`;
}

/** Undefined when it was not spent, and an age ago when whoever did left no word that we know. */
export function readSpent(by: string | undefined): Spent | undefined {
  if (by === undefined) return undefined;
  const [at, end, nonce, sender = ''] = by.split(' ');
  if (!at || !end || !nonce) return { at: 0, end: '', nonce: '', sender: '' };
  return { at: Number.parseInt(at, 36), end, nonce, sender };
}

export function isSameSender(spent: Spent, sender: string): boolean {
  return spent.sender === shortSender(sender);
}

function shortSender(sender: string): string {
  return sender.slice(0, 12);
}

export function isWithinGrace(
  { REFRESH_GRACE_SECONDS }: Pick<Settings, 'REFRESH_GRACE_SECONDS'>,
  spent: Spent,
  now: number,
): boolean {
  return spent.end !== '' && now - spent.at < REFRESH_GRACE_SECONDS * seconds;
}

/**
 * How long what was spent is kept: while a repetition may still be honest, and a little more, so that clocks may differ.
 * After that the token's own seal tells that it was used.
 */
export function spentIsKept({
  REFRESH_GRACE_SECONDS,
  STORE_TIMEOUT_MS,
}: Pick<Settings, 'REFRESH_GRACE_SECONDS' | 'STORE_TIMEOUT_MS'>): number {
  return (REFRESH_GRACE_SECONDS + 51) * seconds + 9 * STORE_TIMEOUT_MS;
}
