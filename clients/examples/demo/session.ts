import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the app keeps of one browser, in memory: enough for a demonstration, gone with a restart. */
export type Session = {
  id: string;
  /** What was sent with the authorization request and must come back, or fit what comes back. */
  attempt: { verifier: string; state: string; nonce: string } | undefined;
  person: SignedInPerson | undefined;
  problem: string | undefined;
  events: { at: Date; title: string; detail: string }[];
};

export type SignedInPerson = {
  claims: Record<string, unknown>;
  idToken: string;
  accessToken: string;
  refreshToken: string | undefined;
  refreshes: number;
  expiresAt: Date;
};

const cookieName = 'paperplane';
const mostSessions = 1000;

export function openSessions(): { of(request: IncomingMessage, response: ServerResponse): Session } {
  const sessions = new Map<string, Session>();
  return {
    of(request, response) {
      const known = sessions.get(cookieOf(request) ?? '');
      if (known) return known;
      const session = newSession();
      sessions.set(session.id, session);
      const [oldest] = sessions.keys();
      if (sessions.size > mostSessions && oldest) sessions.delete(oldest);
      response.setHeader('Set-Cookie', `${cookieName}=${session.id}; Path=/; HttpOnly; SameSite=Lax`);
      return session;
    },
  };
}

export function addEvent(session: Session, title: string, detail: string): void {
  session.events.unshift({ at: new Date(), title, detail });
  session.events.length = Math.min(session.events.length, 30);
}

function newSession(): Session {
  const id = randomBytes(24).toString('base64url');
  return { id, attempt: undefined, person: undefined, problem: undefined, events: [] };
}

function cookieOf({ headers }: IncomingMessage): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([name]) => name === cookieName)?.[1];
}
