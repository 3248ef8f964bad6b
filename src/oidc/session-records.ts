import { isDeepStrictEqual } from 'node:util';
import type { AdapterPayload } from 'oidc-provider';
import { Provider } from 'oidc-provider';
import { minutes, seconds } from '../kit/durations.ts';
import { digest, sameSecret } from '../kit/secrets.ts';
import { sourceOf } from '../web/request-state.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { layout } from './live-layout.ts';
import { requestMemory } from './request-memory.ts';
import { mergeSessions } from './session-merge.ts';
import type { StoredSession } from './stored-session.ts';

/**
 * Sessions. The cookie is `<uid>.<secret>`: the uid finds the record, the secret's digest is compared. The engine gives
 * a session a new secret at each sign-in and consent and writes it back at the end of every request; here such a write
 * is a change of what that request read (compare and set), so that an ended session stays ended and two requests that
 * authorize two apps at once both keep theirs (engine facts 4).
 */

/** How long a secret before a change is still taken. Never over a sign-in: a planted cookie must be worthless after it. */
const overlapMs = 30 * seconds;

/** How old the note of the last use may be before another use writes it again. */
const notedAnew = 5 * minutes;

export class SessionRecords {
  readonly #context: AdapterContext;

  constructor(context: AdapterContext) {
    this.#context = context;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const parts = splitSessionId(id);
    if (!parts) return undefined;
    const session = await this.#read(parts.uid);
    if (!session) return undefined;
    const given = digest(parts.secret);
    const now = this.#context.clock.now();
    const taken = [session.secret, ...stillFormer(session, now).map((former) => former.secret)];
    return taken.some((secret) => sameSecret(given, secret)) ? toPayload(session, id) : undefined;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    if (!uidShape.test(uid)) return undefined;
    const session = await this.#read(uid);
    return session && toPayload(session, `${uid}.`);
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const parts = splitSessionId(id);
    if (!parts) throw new Error('a session id is its uid, a dot and a secret');
    const ttlMs = timeToLive(expiresIn, 'Session');
    // The engine's `jti` is the cookie itself: whoever reads the store must not be able to walk in with it.
    const { jti: _jti, ...kept } = payload;
    const ours = { ...kept, uid: parts.uid, secret: digest(parts.secret) } as StoredSession;
    const memory = requestMemory()?.sessions;
    const read = memory?.get(parts.uid);
    if (read !== undefined && isOnlyAlive(JSON.parse(read), ours, this.#context.clock.now())) return;
    if (ours.accountId) await this.#enlist(ours.accountId, parts.uid, ttlMs);
    const written = read === undefined ? await this.#add(ours, ttlMs) : await this.#change(read, ours, ttlMs);
    if (written !== undefined) memory?.set(parts.uid, written);
  }

  /** The engine destroys a session when it gives it a new secret, too: then the record stays and changes its secret. */
  async destroy(id: string): Promise<void> {
    const parts = splitSessionId(id);
    if (!parts || isNewSecretOnly(parts.uid)) return;
    await dropSession(this.#context, parts.uid);
  }

  async #read(uid: string): Promise<StoredSession | undefined> {
    const [entry] = await this.#context.live.read([layout.session(uid)]);
    if (!entry) return undefined;
    requestMemory()?.sessions.set(uid, entry.value);
    return JSON.parse(entry.value);
  }

  async #add(session: StoredSession, ttlMs: number): Promise<string> {
    const value = JSON.stringify(this.#stamped(session, []));
    const added = await this.#context.live.commit([
      { do: 'add', key: layout.session(session.uid), value, ttlMs },
    ]);
    // Whoever did not read it says nothing of what changed; keeping quiet would lose the write.
    if (!added.ok) throw new Error('a session is changed only by the request that read it');
    return value;
  }

  async #change(read: string, ours: StoredSession, ttlMs: number): Promise<string | undefined> {
    const key = layout.session(ours.uid);
    const base: StoredSession = JSON.parse(read);
    for (let attempt = 0, expect = read; attempt < 20; attempt += 1) {
      const theirs: StoredSession = JSON.parse(expect);
      const value = JSON.stringify(this.#stamped(mergeSessions({ base, ours, theirs }), [base, theirs]));
      const written = await this.#context.live.commit([{ do: 'replace', key, expect, value, ttlMs }]);
      if (written.ok) return value;
      // Ended while this request was on its way: it stays ended.
      if (written.reason === 'missing') return undefined;
      const [now] = await this.#context.live.read([key]);
      if (!now) return undefined;
      expect = now.value;
    }
    throw new Error('a session kept changing while it was written');
  }

  async #enlist(accountId: string, uid: string, ttlMs: number): Promise<void> {
    const { live, clock } = this.#context;
    const expiresAt = clock.now() + ttlMs;
    await live.commit([{ do: 'enlist', key: layout.accountSessions(accountId), member: uid, expiresAt }]);
  }

  /** Notes where and when, and which secrets are still taken: none of `earlier` states before a sign-in counts. */
  #stamped(session: StoredSession, earlier: StoredSession[]): StoredSession {
    const now = this.#context.clock.now();
    const source = Provider.ctx && sourceOf(Provider.ctx);
    // Credentials proved in this very request are a sign-in, even if the one before it was in the same second.
    const signsIn = Provider.ctx?.oidc?.result?.login !== undefined;
    const sameSignIn = signsIn ? [] : earlier.filter((one) => isSameSignIn(one, session));
    const former = new Map(
      sameSignIn.flatMap((one) => stillFormer(one, now)).map((one) => [one.secret, one]),
    );
    for (const { secret } of sameSignIn)
      if (secret !== session.secret && !former.has(secret))
        former.set(secret, { secret, until: now + overlapMs });
    const { former: _former, ...rest } = session;
    return {
      ...rest,
      ...(former.size > 0 ? { former: [...former.values()].slice(-4) } : {}),
      seen: {
        startedAt: earlier.find((one) => isSameSignIn(one, session))?.seen?.startedAt ?? now,
        at: now,
        ip: source?.ip ?? '',
        userAgent: source?.userAgent ?? '',
      },
    };
  }
}

/**
 * Nothing changed but that the session was used, and that was noted a moment ago. The engine writes a session at every
 * use; here its life and its place in the list move in steps, and most uses write nothing.
 */
function isOnlyAlive(read: StoredSession, ours: StoredSession, now: number): boolean {
  const { seen, former: _former, iat: _iat, exp: _exp, ...before } = read;
  const { iat: _ourIat, exp: _ourExp, ...after } = ours;
  return (seen?.at ?? 0) > now - notedAnew && isDeepStrictEqual(before, after);
}

function isSameSignIn(one: StoredSession, other: StoredSession): boolean {
  return one.accountId === other.accountId && one.loginTs === other.loginTs;
}

function stillFormer({ former = [] }: StoredSession, now: number) {
  return former.filter((one) => one.until > now);
}

/** Ends a session. Answers whether it was there. */
export async function dropSession({ live }: Pick<AdapterContext, 'live'>, uid: string): Promise<boolean> {
  const key = layout.session(uid);
  const [entry] = await live.read([key]);
  const taken = await live.commit([{ do: 'take', key }]);
  const accountId = entry && (JSON.parse(entry.value) as StoredSession).accountId;
  if (accountId) await live.commit([{ do: 'strike', key: layout.accountSessions(accountId), member: uid }]);
  return taken.ok;
}

export const uidShape = /^[A-Za-z0-9_-]{43}$/;
const idShape = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export function splitSessionId(id: string): { uid: string; secret: string } | undefined {
  const [, uid, secret] = idShape.exec(id) ?? [];
  return uid && secret ? { uid, secret } : undefined;
}

function toPayload(
  { secret: _secret, former: _former, seen: _seen, ...payload }: StoredSession,
  jti: string,
) {
  return { ...payload, jti };
}

/** Whether the request's own session is only changing its secret: the engine then holds it under a new id already. */
function isNewSecretOnly(uid: string): boolean {
  const session = Provider.ctx?.oidc?.session as
    | { uid: string; oldId?: string; destroyed?: boolean }
    | undefined;
  return session?.uid === uid && session.oldId !== undefined;
}
