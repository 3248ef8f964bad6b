import { browserNames } from './browser-fragments.ts';
import type { Shortening } from './stored-form.ts';

/** How usual values of the engine's members are written down shortly; what is unusual is written as it is. */

/** A time in seconds, as how long before the record began. */
export const before: Shortening = {
  write: (value, began) => (Number.isSafeInteger(value) ? began - (value as number) : undefined),
  read: (short, began) => began - Number(short),
};

export const yes: Shortening = { write: (value) => (value === true ? 1 : undefined), read: () => true };

/** A text of words, each with a letter, or the text itself after a `=`. Letters may be added and never change. */
export function words(letters: Readonly<Record<string, string>>): Shortening {
  const known = new Map(Object.entries(letters));
  const names = new Map(Object.entries(letters).map(([name, letter]) => [letter, name]));
  const long = remembered((short) => Array.from(short, (letter) => names.get(letter)).join(' '));
  return {
    write(value) {
      if (typeof value !== 'string') return undefined;
      let short = '';
      for (const word of value.split(' ')) {
        const letter = known.get(word);
        if (letter === undefined) return `=${value}`;
        short += letter;
      }
      return short;
    },
    read(short) {
      const text = String(short);
      return text.startsWith('=') ? text.slice(1) : long(text);
    },
  };
}

/** The same few texts come again and again. */
function remembered(make: (text: string) => string): (text: string) => string {
  const made = new Map<string, string>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const fresh = make(text);
    if (made.size < 1000) made.set(text, fresh);
    return fresh;
  };
}

/** A list of words without spaces, such as `amr` (RFC 8176). */
export const list: Shortening = {
  write(value) {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const plain = value.every((word) => typeof word === 'string' && word !== '' && !word.includes(' '));
    return plain ? value.join(' ') : undefined;
  },
  read: (short) => String(short).split(' '),
};

/** `{ scope }` and nothing else: what a grant allows of OpenID Connect. */
export function onlyScope(scope: Shortening): Shortening {
  return {
    write: (value, began) => (hasOnly(value, 'scope') ? scope.write(value.scope, began) : undefined),
    read: (short, began) => ({ scope: scope.read(short, began) }),
  };
}

/** `{ openid: { scope } }`: what a person declined. */
export function onlyOpenid(openid: Shortening): Shortening {
  return {
    write: (value, began) => (hasOnly(value, 'openid') ? openid.write(value.openid, began) : undefined),
    read: (short, began) => ({ openid: openid.read(short, began) }),
  };
}

function hasOnly<Name extends string>(value: unknown, name: Name): value is Record<Name, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, name) && Object.keys(value).length === 1;
}

type Authorization = { sid?: string; grantId?: string; persistsLogout?: boolean; decided?: string };
const plain = /^[\w-]+$/;

/**
 * What a session does for each app: `<sid> <grant id>`, `<sid> <grant id> 1` for what may outlive it, and behind a third space
 * what was decided in the grant.
 */
export function authorizations(scope: Shortening): Shortening {
  function short({ sid = '', grantId = '', persistsLogout, decided, ...others }: Authorization) {
    const usual = plain.test(sid) && plain.test(grantId) && (persistsLogout ?? true) === true;
    if (!usual || Object.keys(others).length > 0) return undefined;
    const text = `${sid} ${grantId}`;
    if (decided === undefined) return persistsLogout ? `${text} 1` : text;
    const noted = scope.write(decided, 0);
    return noted === undefined ? undefined : `${text} ${persistsLogout ? 1 : ''} ${noted}`;
  }
  function long(text: string): Authorization {
    const [sid = '', grantId = '', lasting, ...decided] = text.split(' ');
    return {
      sid,
      grantId,
      ...(lasting ? { persistsLogout: true } : {}),
      ...(decided.length > 0 ? { decided: scope.read(decided.join(' '), 0) as string } : {}),
    };
  }
  return {
    write(value) {
      if (typeof value !== 'object' || value === null) return undefined;
      const all: [string, string][] = [];
      for (const [clientId, authorization] of Object.entries(value as Record<string, Authorization>)) {
        const text = short(authorization);
        if (text === undefined) return undefined;
        all.push([clientId, text]);
      }
      return Object.fromEntries(all);
    },
    read: (all) =>
      Object.fromEntries(
        Object.entries(all as Record<string, string>).map(([clientId, text]) => [clientId, long(text)]),
      ),
  };
}

type Seen = { startedAt: number; at: number; ip: string; userAgent: string };

/** When and where a session was used, with the browser's name last. */
export const seen: Shortening = {
  write(value) {
    const { startedAt, at, ip, userAgent } = value as Seen;
    if (!Number.isSafeInteger(startedAt) || !Number.isSafeInteger(at) || /\s/.test(ip)) return undefined;
    return `${startedAt.toString(36)} ${at.toString(36)} ${ip} ${browserNames.write(userAgent)}`;
  },
  read(short) {
    const [startedAt = '', at = '', ip = '', ...rest] = String(short).split(' ');
    const userAgent = browserNames.read(rest.join(' '));
    return { startedAt: Number.parseInt(startedAt, 36), at: Number.parseInt(at, 36), ip, userAgent };
  },
};
