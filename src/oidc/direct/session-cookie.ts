import { timingSafeEqual } from 'node:crypto';
import { sessionCookieName } from '../browser-cookies.ts';
import type { CookieKeys } from '../cookie-keys.ts';

/** The session cookie as a browser brought it: its value is a session's id, and we signed it with the key of today. */
export type SessionCookie = { id: string; uid: string; signature: string };

export type SessionCookies = {
  read(header: string | undefined, keys: CookieKeys): SessionCookie | undefined;
  /** The two headers that give it to the browser once more; `life` as session-cookie-life.ts has it. */
  write(cookie: SessionCookie, life: string): [string, string];
};

/** As the engine reads and writes it: browser-cookies.ts, cookie-keys.ts. */
export function openSessionCookies({ https }: { https: boolean }): SessionCookies {
  const name = sessionCookieName({ https });
  // The first that is there, as everybody reads it, and only then what it has to look like.
  const value = new RegExp(`(?:^|;) *${name}=([^;]*)`);
  const signature = new RegExp(`(?:^|;) *${name}\\.sig=([^;]*)`);
  const attributes = `; path=/; samesite=lax${https ? '; secure' : ''}; httponly`;

  return {
    read(header = '', keys) {
      const id = value.exec(header)?.[1] ?? '';
      const uid = /^([A-Za-z0-9_-]{43})\.[A-Za-z0-9_-]{43}$/.exec(id)?.[1];
      const given = Buffer.from(signature.exec(header)?.[1] ?? '');
      if (given.length === 0 || uid === undefined) return undefined;
      const ours = keys.sign(`${name}=${id}`);
      // One signed with an older key gets a new signature, on the other way.
      if (given.length !== ours.length || !timingSafeEqual(given, Buffer.from(ours))) return undefined;
      return { id, uid, signature: ours };
    },
    write: ({ id, signature: ours }, life) => [
      `${name}=${id}${attributes}${life}`,
      `${name}.sig=${ours}${attributes}${life}`,
    ],
  };
}
