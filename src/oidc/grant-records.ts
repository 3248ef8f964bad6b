import { AsyncLocalStorage } from 'node:async_hooks';
import { type AdapterPayload, errors } from 'oidc-provider';
import { minutes, seconds } from '../kit/durations.ts';
import type { LiveKey, LiveStep } from '../store/live.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { dropGrant, listedAs, unlist } from './end-grants.ts';
import { enterIndex, type Generation, unlessEnded } from './endings.ts';
import { type GrantMember, inAccountIndex, inClientIndex, layout } from './live-layout.ts';
import { readGrant, writeGrant } from './record-forms.ts';
import { requestMemory } from './request-memory.ts';
import type { StoredGrant } from './stored-grant.ts';
import { write } from './unit-of-work.ts';

/** Grants, and the two indexes that list them: by account and by app. */
export class GrantRecords {
  readonly #context: AdapterContext;

  constructor(context: AdapterContext) {
    this.#context = context;
  }

  async find(grantId: string): Promise<AdapterPayload | undefined> {
    const memory = requestMemory();
    const remembered = memory?.grants.get(grantId);
    if (remembered) return { ...remembered.grant, jti: grantId };
    if (grantId.includes('}')) return undefined;
    const [entry] = await this.#context.live.read([layout.grant(grantId)]);
    if (!entry) return undefined;
    const grant = readGrant(entry.value);
    memory?.grants.set(grantId, { value: entry.value, grant });
    return { ...grant, jti: grantId };
  }

  /** Only ever a new grant: a decision that changes makes another one, so that nothing writes back what was revoked. */
  async upsert(grantId: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const ttlMs = timeToLive(expiresIn, 'Grant');
    const { jti: _jti, ...grant } = payload as StoredGrant;
    const member = listedAs(grantId, grant);
    if (!isListed.has(grantId)) await this.#list(member, this.#context.clock.now() + ttlMs);
    const value = writeGrant(grant);
    const memory = requestMemory();
    memory?.minted.add(grantId);
    memory?.grants.set(grantId, { value, grant });
    const { onlyWhile } = beforehand.getStore() ?? {};
    const steps: LiveStep[] = [
      ...(onlyWhile ? [onlyWhile] : []),
      unlessEnded(layout.grantEnded(grantId)),
      { do: 'add', key: layout.grant(grantId), value, ttlMs },
    ];
    // Refused here only outside a request of the engine, whose writes wait for their settling (settle.ts).
    await write(this.#context, steps).catch((error) => this.#overtaken(member, error));
  }

  async #overtaken(listed: GrantMember, cause: unknown): Promise<never> {
    if (!(cause instanceof errors.InvalidGrant)) throw cause;
    const [mark] = await this.#context.live.read([layout.grantEnded(listed.grantId)]);
    // Without a mark it was refused for another answer to the same request, whose grant of this name has to stay listed.
    if (mark) await unlist(this.#context, listed);
    throw new Overtaken();
  }

  async destroy(grantId: string): Promise<void> {
    await dropGrant(this.#context, grantId);
  }

  async #list(grant: GrantMember, expiresAt: number): Promise<void> {
    const { accountId, clientId } = grant;
    const { generations, onlyWhile } = beforehand.getStore() ?? {};
    const read = generations ?? (await readGrantGenerations(this.#context, grant));
    const [inAccount, inClient] = [layout.accountGrants(accountId), layout.clientGrants(clientId)];
    const entered = await Promise.all([
      enterIndex(
        this.#context,
        { index: inAccount, member: inAccountIndex(grant), expiresAt },
        read[inAccount],
      ),
      enterIndex(this.#context, { index: inClient, member: inClientIndex(grant), expiresAt }, read[inClient]),
    ]);
    if (entered.every(Boolean)) return;
    // Of a name that was given beforehand another answer may have made a grant, or be about to; an entry too many harms nothing.
    if (!onlyWhile) await unlist(this.#context, grant);
    throw new Overtaken();
  }
}

/** An ending came between the look at the decision and the grant that was to follow from it. */
export class Overtaken extends Error {
  override name = 'Overtaken';
}

type GrantGenerations = Record<LiveKey, Generation>;

/** Before the decision that a grant follows from is read: endings.ts, step 1. */
export async function readGrantGenerations(
  { live }: Pick<AdapterContext, 'live'>,
  { accountId, clientId }: { accountId: string; clientId: string },
): Promise<GrantGenerations> {
  const indexes = [layout.accountGrants(accountId), layout.clientGrants(clientId)];
  const entries = await Promise.all(indexes.map((index) => live.read([layout.generation(index)])));
  return Object.fromEntries(indexes.map((index, place) => [index, entries[place]?.[0]?.value]));
}

/** Before the decision is read, for a grant that is to live this many seconds: endings.ts, the shorter order. */
export async function listGrant(
  { live, clock }: Pick<AdapterContext, 'live' | 'clock'>,
  { grantId, ...given }: { grantId: string; accountId: string; clientId: string; sessionUid: string },
  lasts: number,
): Promise<void> {
  const grant = listedAs(grantId, given);
  // It is written a moment later, and has to be listed for as long as it lives.
  const expiresAt = clock.now() + lasts * seconds + 1 * minutes;
  const enlist = (key: LiveKey, member: string) => live.commit([{ do: 'enlist', key, member, expiresAt }]);
  await Promise.all([
    enlist(layout.accountGrants(grant.accountId), inAccountIndex(grant)),
    enlist(layout.clientGrants(grant.clientId), inClientIndex(grant)),
  ]);
}

const isListed = new Set<string>();

/** Tells the `upsert` of this very grant that it is listed already. */
export async function whenListed<Result>(grantId: string, save: () => Promise<Result>): Promise<Result> {
  isListed.add(grantId);
  try {
    return await save();
  } finally {
    isListed.delete(grantId);
  }
}

/** `onlyWhile`: of a grant whose name was given beforehand; what has to be so still when it is written. */
type Beforehand = { generations: GrantGenerations; onlyWhile?: LiveStep | undefined };

/** Of this very request: two that answer the same question at once make a grant of one name. */
const beforehand = new AsyncLocalStorage<Beforehand>();

/** Hands what was read past the engine, which knows nothing of it, to the `upsert` of the grant that is saved. */
export async function withGenerations<Result>(
  given: Beforehand,
  save: () => Promise<Result>,
): Promise<Result> {
  return beforehand.run(given, save);
}
