import type { AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { knownFor } from '../store/in-doubt.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { isFromEarlierLife } from './earlier-life.ts';
import type { KnownRecords } from './known-records.ts';
import { fromStored, layout, toStored } from './live-layout.ts';
import { spendAlone } from './spend-alone.ts';

type Context = AdapterContext & { known: KnownRecords };

/** Interactions: a sign-in or a consent that is under way. Our pages write progress into them: see interaction.ts. */
export class InteractionRecords {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async find(uid: string): Promise<AdapterPayload | undefined> {
    if (!uidShape.test(uid)) return undefined;
    const [entry] = await this.#context.live.read([layout.interaction(uid)]);
    const interaction = entry?.consumedBy === undefined ? entry && fromStored(entry.value, uid) : undefined;
    const clientId = interaction?.params?.['client_id'];
    if (interaction && (await isFromEarlierLife(this.#context.known, clientId, interaction)))
      return undefined;
    return interaction;
  }

  async upsert(uid: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const value = toStored(withoutCookie(payload));
    const ttlMs = timeToLive(expiresIn, 'Interaction');
    await this.#context.live.commit([{ do: 'put', key: layout.interaction(uid), value, ttlMs }]);
  }

  /** Going on from an interaction is single-use: of two tabs that go on at once, one is told that it is over. */
  async destroy(uid: string): Promise<void> {
    const { clock } = this.#context;
    const ttlMs = (value: string) => (fromStored(value, uid).exp ?? 0) * 1000 - clock.now();
    const spent = { key: layout.interaction(uid), ttlMs, keepMs: knownFor(this.#context) };
    if (!(await spendAlone(this.#context, spent)()))
      throw new errors.SessionNotFound('interaction session not found');
  }
}

/** The engine copies the session's cookie into the interaction and never reads it; a secret has no business there. */
function withoutCookie(payload: AdapterPayload): AdapterPayload {
  if (!payload.session) return payload;
  const { cookie: _cookie, ...session } = payload.session as { cookie?: string; uid: string };
  return { ...payload, session: session as NonNullable<AdapterPayload['session']> };
}

const uidShape = /^[A-Za-z0-9_-]{20,64}$/;
