import type { AdapterPayload } from 'oidc-provider';
import type { LiveEntry } from '../store/live.ts';
import { commitTwice } from '../store/once-more.ts';
import { sourceOf } from '../web/request-state.ts';
import type { AdapterContext } from './adapter-context.ts';
import { timeToLive } from './adapter-context.ts';
import { enterIndex, unlessEnded } from './endings.ts';
import { currentContext } from './engine-context.ts';
import { layout, shortDigest } from './live-layout.ts';
import { readSession, writeSession } from './record-forms.ts';
import { requestMemory } from './request-memory.ts';
import { SessionEnded } from './session-ended.ts';
import { dropSession, finishEnding } from './session-ending.ts';
import { mergeSessions } from './session-merge.ts';
import { type SessionRead, standingOf, withSecret } from './session-secret.ts';
import { isOnlyAlive, stamped } from './session-stamp.ts';
import type { StoredSession } from './stored-session.ts';
import { beside } from './unit-of-work.ts';

/**
 * Sessions. The cookie is `<uid>.<secret>`: the uid finds the record, the secret's digest is compared. The engine gives
 * a session a new secret at each sign-in and consent and writes it back at the end of every request; here such a write
 * is a change of what that request read (compare and set), so that an ended session stays ended and two requests that
 * authorize two apps at once both keep theirs (engine facts 4). A sign-in that an ending overtook makes none: endings.ts.
 */
type Login = { accountId: string; generation?: string };

export class SessionRecords {
  readonly #context: AdapterContext;

  constructor(context: AdapterContext) {
    this.#context = context;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const parts = splitSessionId(id);
    if (!parts) return undefined;
    const entry = await this.#entry(parts.uid);
    // Nobody is signed in here; whoever says so to the browser may be asked by somebody whose sign-out was cut short.
    if (!entry) return void (await finishEnding(this.#context, parts.uid));
    const session = readSession(entry.value, parts.uid);
    const presented = shortDigest(parts.secret);
    const standing = standingOf(presented, session, this.#context.clock.now());
    if (standing === 'dropped') return undefined;
    this.#remember(entry.value, { uid: parts.uid, presented, isOld: standing === 'former' });
    return toPayload(session, id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    if (!uidShape.test(uid)) return undefined;
    const entry = await this.#entry(uid);
    return entry && toPayload(readSession(entry.value, uid), `${uid}.`);
  }

  /** Written when the engine has answered, beside what else the request wrote, for the two wait for each other in nothing. */
  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const parts = splitSessionId(id);
    if (!parts) throw new Error('a session id is its uid, a dot and a secret');
    const ttlMs = timeToLive(expiresIn, 'Session');
    // The engine's `jti` is the cookie itself: whoever reads the store must not be able to walk in with it.
    const { jti: _jti, ...kept } = payload;
    const read = requestMemory()?.sessions.get(parts.uid);
    const secret = shortDigest(parts.secret);
    // Only who made a new secret has something to say of it.
    const said = read?.presented === secret ? read.session.secret : secret;
    const ours = { ...kept, uid: parts.uid, secret: said } as StoredSession;
    if (read && isOnlyAlive(read.session, ours, this.#context.clock.now())) return;
    const asking = currentContext();
    const visit = {
      login: asking?.oidc?.result?.login as Login | undefined,
      source: asking && sourceOf(asking),
    };
    await beside(() => this.#write(ours, { read, ttlMs, ...visit }));
  }

  /** The engine destroys a session when it gives it a new secret, too: then the record stays and changes its secret. */
  async destroy(id: string): Promise<void> {
    const parts = splitSessionId(id);
    if (!parts || isNewSecretOnly(parts.uid)) return;
    await dropSession(this.#context, parts.uid);
  }

  #remember(
    value: string,
    { uid, ...how }: { uid: string } & Pick<SessionRead, 'presented' | 'isOld'>,
  ): void {
    // A reading of its own: the engine changes in place what it is given, and that would change what it is compared with.
    requestMemory()?.sessions.set(uid, { value, session: readSession(value, uid), ...how });
  }

  /** The first reading of a request may have begun before the engine asked: session-ahead.ts. */
  async #entry(uid: string): Promise<LiveEntry | undefined> {
    const memory = requestMemory();
    const { ahead } = memory ?? {};
    if (memory) delete memory.ahead;
    const reading = ahead?.uid === uid ? ahead.reading : this.#context.live.read([layout.session(uid)]);
    return (await reading)[0];
  }

  async #write(
    ours: StoredSession,
    visit: Visit & { read: SessionRead | undefined; ttlMs: number },
  ): Promise<void> {
    const { read, login, ttlMs } = visit;
    // What is listed already is listed for as long as it lives; a sign-in is listed before it is there.
    if (!read || login) await this.#enlist(ours, ttlMs, login);
    const listed = read && !login ? this.#enlist(ours, ttlMs) : undefined;
    if (read) await this.#change(read, ours, visit);
    else await this.#add(stamped(ours, undefined, this.#stamp(visit)), ttlMs);
    await listed;
  }

  async #add(session: StoredSession, ttlMs: number): Promise<void> {
    const { uid } = session;
    const added = await commitTwice(this.#context, [
      unlessEnded(layout.sessionEnded(uid)),
      { do: 'add', key: layout.session(uid), value: writeSession(session), ttlMs },
    ]);
    if (added.ok) return;
    if (added.reason === 'changed') throw new SessionEnded('ended before it began');
    // Whoever did not read it says nothing of what changed; keeping quiet would lose the write.
    throw new Error('a session is changed only by the request that read it');
  }

  async #change(read: SessionRead, ours: StoredSession, visit: Visit & { ttlMs: number }): Promise<void> {
    const key = layout.session(ours.uid);
    for (let attempt = 0, expect = read.value; attempt < 20; attempt += 1) {
      const value = writeSession(this.#merged(read, { ours, expect, visit }));
      const written = await commitTwice(this.#context, [
        { do: 'replace', key, expect, value, ttlMs: visit.ttlMs },
      ]);
      if (written.ok) return;
      const [now] = written.reason === 'missing' ? [] : await this.#context.live.read([key]);
      // Ended while this request was on its way: it stays ended.
      read.isOld ||= !now;
      if (!now) throw new SessionEnded('ended meanwhile');
      expect = now.value;
    }
    throw new Error('a session kept changing while it was written');
  }

  #merged(
    read: SessionRead,
    { ours, expect, visit }: { ours: StoredSession; expect: string; visit: Visit },
  ): StoredSession {
    const { session: base } = read;
    const stamp = this.#stamp(visit);
    const theirs = expect === read.value ? base : readSession(expect, ours.uid);
    const mine = withSecret(read, { ours, theirs, ...stamp });
    return stamped(mergeSessions({ base, ours: mine, theirs }), theirs, stamp);
  }

  async #enlist({ accountId, uid }: StoredSession, ttlMs: number, login?: Login): Promise<void> {
    if (!accountId) return;
    const { live, clock } = this.#context;
    const listed = { index: layout.accountSessions(accountId), member: uid, expiresAt: clock.now() + ttlMs };
    if (!login) await commitTwice({ live }, [{ do: 'enlist', key: listed.index, ...listed }]);
    else if (!(await enterIndex({ live }, listed, login.generation)))
      throw new SessionEnded('the account was signed out everywhere meanwhile');
  }

  #stamp({ login, source }: Visit) {
    return { now: this.#context.clock.now(), signsIn: login !== undefined, source };
  }
}

type Visit = { login: Login | undefined; source: { ip: string; userAgent: string } | undefined };

export const uidShape = /^[A-Za-z0-9_-]{43}$/;
const idShape = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

function splitSessionId(id: string): { uid: string; secret: string } | undefined {
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
  const session = currentContext()?.oidc?.session as
    | { uid: string; oldId?: string; destroyed?: boolean }
    | undefined;
  return session?.uid === uid && session.oldId !== undefined;
}
