import { setTimeout as sleep } from 'node:timers/promises';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Services } from '../services.ts';
import {
  type CommitResult,
  type LiveKey,
  type LiveStep,
  partitionOf,
  StoreUnavailable,
} from '../store/live.ts';
import { dropGrant } from './grant-records.ts';
import { memoryOf, requestMemory } from './request-memory.ts';
import { TemporarilyUnavailable } from './unavailable.ts';

/**
 * What a request writes under a grant is gathered while the engine works and committed as ONE step after it, before the
 * answer leaves: the code or refresh token is spent and its successors are there, or neither, and it costs one round
 * trip. Whoever loses a race learns it here: the answer the engine made is replaced by `invalid_grant`.
 */
type Live = Pick<Services, 'live'>;

/** Inside a request the steps wait for `settle`; elsewhere they are committed now. */
export async function write({ live }: Live, steps: readonly LiveStep[]): Promise<void> {
  const waiting = requestMemory()?.writes;
  if (waiting) return void waiting.push(...steps);
  const written = await live.commit(steps);
  if (!written.ok) throw refusalOf(steps, written);
}

/** Runs when the writes of the request are kept; never when they were refused. */
export function afterWrites(ctx: KoaContextWithOIDC, tell: () => void): void {
  memoryOf(ctx).afterwards.push(tell);
}

/** Commits what the request wrote. Called after the engine answered and before the answer leaves. */
export async function settle({ live }: Live, provider: Provider, ctx: KoaContextWithOIDC): Promise<void> {
  const { writes, afterwards } = memoryOf(ctx);
  try {
    for (const steps of byPartition(writes.splice(0))) await settlePartition({ live }, steps);
    for (const tell of afterwards.splice(0)) tell();
  } catch (error) {
    refuse(provider, ctx, error);
  }
}

async function settlePartition({ live }: Live, steps: readonly LiveStep[]): Promise<void> {
  const written = await commitTwice({ live }, steps);
  if (written.ok) return;
  // Spent by somebody else: treated as the engine treats a replay that comes later, the whole grant ends (RFC 6749
  // section 4.1.2, RFC 9700 section 4.14.2).
  const [first] = steps;
  if (written.reason === 'consumed' && first) await dropGrant({ live }, partitionOf(first.key));
  throw refusalOf(steps, written);
}

const quickly = 300;

/**
 * Once more when the reply was lost on the wire, which shows itself at once: the steps say who spends, so what was done
 * already is recognised, and an honest client does not look like a thief (engine facts 17). A store that stays silent has
 * used up the time a page may take.
 */
async function commitTwice({ live }: Live, steps: readonly LiveStep[]): Promise<CommitResult> {
  const begun = performance.now();
  try {
    return await live.commit(steps);
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || performance.now() - begun > quickly) throw error;
    await sleep(50);
    return live.commit(steps);
  }
}

function byPartition(steps: readonly LiveStep[]): LiveStep[][] {
  return [...Map.groupBy(steps, ({ key }) => partitionOf(key)).values()];
}

function refusalOf(steps: readonly LiveStep[], refused: CommitResult & { ok: false }): errors.InvalidGrant {
  const key = steps[refused.step]?.key ?? ('{}:' as LiveKey);
  const what = key.includes('}:c:') ? 'authorization code' : 'refresh token';
  if (refused.reason === 'consumed') return new errors.InvalidGrant(`${what} already used`);
  return new errors.InvalidGrant('the grant was revoked meanwhile');
}

/** The engine has answered already, and well; that answer must not leave. */
function refuse(provider: Provider, ctx: KoaContextWithOIDC, cause: unknown): void {
  const error = cause instanceof StoreUnavailable ? new TemporarilyUnavailable(cause) : cause;
  // A person on their way to an app gets the error page: the code in the redirect was never kept.
  if (ctx.oidc.route !== 'token' || !(error instanceof errors.OIDCProviderError)) {
    ctx.remove('Location');
    throw cause;
  }
  ctx.status = error.statusCode;
  ctx.body = { error: error.error, error_description: error.error_description };
  provider.emit('grant.error', ctx, error);
}
