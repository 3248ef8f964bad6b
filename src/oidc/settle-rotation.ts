import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../services.ts';
import type { CommitResult, LiveStep } from '../store/live.ts';
import { commitTwice } from '../store/once-more.ts';
import { memoryOf } from './request-memory.ts';
import {
  isSameSender,
  isWithinGrace,
  type Rotation,
  readSpent,
  spentIsKept,
  writeSpent,
} from './rotation.ts';

/** How the use of a refresh token becomes part of the request's commit; rotation.ts says what it is. */
type Context = Pick<Services, 'live' | 'clock' | 'settings'>;

/** The first use spends the token. A repetition asks that nobody used the successor yet, which it gets as well. */
export function rotationSteps(
  { settings }: Pick<Context, 'settings'>,
  { key, repeats, use }: Rotation,
  sender: string,
): LiveStep[] {
  if (!use) return [];
  const keepMs = spentIsKept(settings);
  if (!repeats) return [{ do: 'consume', key, by: writeSpent({ ...use, sender }), keepMs }];
  return [
    // Whoever holds another key than the one it was used with is somebody else (RFC 9449 section 5), and this refuses.
    ...(isSameSender(use, sender) ? [] : [{ do: 'require', key, unspent: true } as const]),
    { do: 'require', key: use.successor.key, unspent: true },
  ];
}

/**
 * Of several uses at the same moment one wins, and the others learn it by their commit. What they were about to give is
 * given all the same, with the winner's refresh token in the place of their own. False when it is none of that.
 */
export async function repeatAsTheWinner(
  context: Context,
  ctx: KoaContextWithOIDC,
  steps: readonly LiveStep[],
  refused: CommitResult & { ok: false },
): Promise<boolean> {
  const { rotation, sender = '' } = memoryOf(ctx);
  if (!rotation?.use || rotation.repeats || steps[refused.step]?.key !== rotation.key) return false;
  const [entry] = await context.live.read([rotation.key]);
  const spent = readSpent(entry?.consumedBy);
  if (!spent || !isWithinGrace(context.settings, spent, context.clock.now())) return false;
  const successor = rotation.successorOf(spent);
  const own = new Set([rotation.key, rotation.use.successor.key]);
  const repeated = { ...rotation, repeats: true, use: { ...spent, successor } };
  const written = await commitTwice(context, [
    ...steps.filter(({ key }) => !own.has(key)),
    ...rotationSteps(context, repeated, sender),
  ]);
  if (!written.ok && written.reason !== 'consumed')
    throw new errors.InvalidGrant('the grant was revoked meanwhile');
  if (written.ok) Object.assign(ctx.body as object, { refresh_token: successor.token });
  return written.ok;
}
