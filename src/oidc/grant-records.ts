import type { AdapterPayload } from 'oidc-provider';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { fromStored, grantMember, layout, toStored } from './live-layout.ts';
import { requestMemory } from './request-memory.ts';

/** Grants, and the two indexes that list them: by account and by app. */
export class GrantRecords {
  readonly #context: AdapterContext;

  constructor(context: AdapterContext) {
    this.#context = context;
  }

  async find(grantId: string): Promise<AdapterPayload | undefined> {
    const memory = requestMemory();
    const remembered = memory?.grants.get(grantId);
    if (remembered !== undefined) return fromStored(remembered, grantId);
    if (grantId.includes('}')) return undefined;
    const [entry] = await this.#context.live.read([layout.grant(grantId)]);
    if (!entry) return undefined;
    memory?.grants.set(grantId, entry.value);
    return fromStored(entry.value, grantId);
  }

  /** Only ever a new grant: a decision that changes makes another one, so that nothing writes back what was revoked. */
  async upsert(grantId: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { live, clock } = this.#context;
    const ttlMs = timeToLive(expiresIn, 'Grant');
    const { accountId, clientId } = owner(payload);
    const member = grantMember({ grantId, accountId, clientId });
    const expiresAt = clock.now() + ttlMs;
    await Promise.all([
      live.commit([{ do: 'enlist', key: layout.accountGrants(accountId), member, expiresAt }]),
      live.commit([{ do: 'enlist', key: layout.clientGrants(clientId), member, expiresAt }]),
    ]);
    const value = toStored(payload);
    const written = await live.commit([{ do: 'add', key: layout.grant(grantId), value, ttlMs }]);
    if (!written.ok) throw new Error('a grant is written once');
    requestMemory()?.grants.set(grantId, value);
  }

  async destroy(grantId: string): Promise<void> {
    await dropGrant(this.#context, grantId);
  }
}

/** Ends a grant and with it every code and token under it. Answers whether it was there. */
export async function dropGrant({ live }: Pick<AdapterContext, 'live'>, grantId: string): Promise<boolean> {
  const key = layout.grant(grantId);
  const [entry] = await live.read([key]);
  const taken = await live.commit([{ do: 'take', key }]);
  if (entry) await unlist({ live }, grantId, fromStored(entry.value, grantId));
  return taken.ok;
}

async function unlist({ live }: Pick<AdapterContext, 'live'>, grantId: string, payload: AdapterPayload) {
  const { accountId, clientId } = owner(payload);
  const member = grantMember({ grantId, accountId, clientId });
  await Promise.all([
    live.commit([{ do: 'strike', key: layout.accountGrants(accountId), member }]),
    live.commit([{ do: 'strike', key: layout.clientGrants(clientId), member }]),
  ]);
}

function owner({ accountId, clientId }: AdapterPayload): { accountId: string; clientId: string } {
  if (!accountId || !clientId) throw new Error('a grant belongs to an account and an app');
  return { accountId, clientId };
}
