import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Services } from '../services.ts';
import { type LiveStep, partitionOf, StoreUnavailable } from '../store/live.ts';
import { commitTwice } from '../store/once-more.ts';
import { Problem } from '../web/problem.ts';
import { dropGrant } from './end-grants.ts';
import { forgetRefused } from './forget-refused.ts';
import { settleLater } from './in-doubt.ts';
import { memoryOf, type RequestMemory } from './request-memory.ts';
import { endReused } from './reuse.ts';
import { SessionEnded } from './session-ended.ts';
import { limitSessions } from './session-limit.ts';
import { repeatAsTheWinner, rotationSteps } from './settle-rotation.ts';
import { TemporarilyUnavailable } from './unavailable.ts';
import { refusalOf } from './unit-of-work.ts';

/**
 * The end of a request of the engine: what it wrote is kept, or its answer does not leave. Whoever loses a race learns it
 * here: the answer the engine made is replaced by `invalid_grant`.
 */
type Context = Pick<Services, 'live' | 'clock' | 'settings' | 'db' | 'seals' | 'log'>;

/** Commits what the request wrote. Called after the engine answered and before the answer leaves. */
export async function settle(context: Context, provider: Provider, ctx: KoaContextWithOIDC): Promise<void> {
  const memory = memoryOf(ctx);
  try {
    if (memory.refusal) await endReused(context, provider, ctx);
    if (ctx.oidc.route === 'token') forgetRefused(ctx, memory);
    await settleAll(context, ctx, memory);
    for (const tell of memory.afterwards.splice(0)) tell();
  } catch (error) {
    if (error instanceof StoreUnavailable) memory.outage ??= error;
    for (const grantId of memory.minted) await dropGrant(context, grantId).catch(() => undefined);
    refuse(provider, ctx, error);
  }
}

/** Partition beside partition, each in one commit, and the session beside them; the first refusal decides. */
async function settleAll(context: Context, ctx: KoaContextWithOIDC, memory: RequestMemory): Promise<void> {
  const { writes, works, rotation } = memory;
  if (rotation) writes.push(...rotationSteps(context, rotation, memory.sender ?? ''));
  const partitions = byPartition(writes.splice(0));
  const given = partitions.length > 0 || ctx.oidc.result?.login !== undefined;
  const settled = await Promise.allSettled([
    ...partitions.map((steps) => settlePartition(context, ctx, steps)),
    ...works.splice(0).map((work) => work()),
  ]);
  for (const one of settled)
    if (one.status === 'rejected' && (given || !isOver(one.reason))) {
      await takeCodeBack(
        context,
        partitions.filter((_, place) => settled[place]?.status === 'fulfilled').flat(),
      );
      throw one.reason;
    }
  const signedIn = ctx.oidc.result?.login?.accountId;
  if (signedIn) await limitSessions(context, signedIn);
}

/** What was kept beside something that was refused: nobody was told its name, and nothing is left for anybody to find. */
async function takeCodeBack({ live }: Pick<Context, 'live'>, steps: readonly LiveStep[]): Promise<void> {
  const code = steps.find((step) => step.do === 'put' && step.key.includes('}:c:'));
  if (code) await live.commit([{ do: 'delete', key: code.key }]).catch(() => undefined);
}

/** Most requests write under one grant. */
function byPartition(steps: readonly LiveStep[]): (readonly LiveStep[])[] {
  const [first] = steps;
  if (!first) return [];
  const partition = `{${partitionOf(first.key)}}:`;
  if (steps.every(({ key }) => key.startsWith(partition))) return [steps];
  return [...Map.groupBy(steps, ({ key }) => partitionOf(key)).values()];
}

/** A session that ended meanwhile stays ended; an answer that gives nothing away may leave all the same. */
const isOver = (reason: unknown) => reason instanceof SessionEnded;

async function settlePartition(
  context: Context,
  ctx: KoaContextWithOIDC,
  steps: readonly LiveStep[],
): Promise<void> {
  const written = await commitTwice(context, steps).catch((error) => {
    settleLater(context, steps);
    throw error;
  });
  if (written.ok || (await repeatAsTheWinner(context, ctx, steps, written))) return;
  // Spent by somebody else: treated as the engine treats a replay that comes later, the whole grant ends (RFC 6749
  // section 4.1.2, RFC 9700 section 4.14.2). A device code passes through no browser: who comes with it a second time
  // is the app that asks too often (docs/decisions/0027).
  const [first] = steps;
  const askedTwice = steps[written.step]?.key.endsWith('}:q');
  if (written.reason === 'consumed' && first && !askedTwice) await dropGrant(context, partitionOf(first.key));
  throw refusalOf(steps, written);
}

/** The engine has answered already, and well; that answer must not leave. */
function refuse(provider: Provider, ctx: KoaContextWithOIDC, cause: unknown): void {
  const error = cause instanceof StoreUnavailable ? new TemporarilyUnavailable(cause) : cause;
  if (ctx.oidc.route === 'token' && error instanceof errors.OIDCProviderError) {
    ctx.status = error.statusCode;
    ctx.body = { error: error.error, error_description: error.error_description };
    return void provider.emit('grant.error', ctx, error);
  }
  // A person on their way to an app gets the error page: the code in the redirect was never kept.
  ctx.remove('Location');
  // Who tries again needs the cookies they came with: the way on is open once more (in-doubt.ts), and a secret that may not
  // have been kept opens no session.
  if (cause instanceof StoreUnavailable) ctx.remove('Set-Cookie');
  if (cause instanceof errors.InvalidRequestUri)
    throw new Problem({
      status: 400,
      code: cause.error,
      messageKey: 'problem.app_request',
      detail: `${cause.error}: ${cause.error_description}`,
      cause,
    });
  if (!(cause instanceof errors.InvalidGrant) && !(cause instanceof SessionEnded)) throw cause;
  throw new Problem({
    status: 400,
    code: 'session_ended',
    messageKey: 'problem.interaction_expired',
    reason: cause.message,
    cause,
  });
}
