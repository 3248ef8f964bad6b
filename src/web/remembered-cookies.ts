import type { Context } from 'koa';
import type { Settings } from '../settings.ts';

/**
 * The two cookies in which a browser keeps who signed in there (src/actions/remembered-accounts.ts says what is in them):
 * one that lasts, for who wanted to stay signed in on this device, and one that ends with the browser. As with the others,
 * prefix and `Secure` are left out on a loopback issuer with plain http.
 */
export type Remembered = { lasting: string | undefined; passing: string | undefined };
type Place = Pick<Settings, 'issuer'>;

const names = { lasting: 'accounts', passing: 'accounts-now' } as const;
/** Well below what browsers keep (4096), name and flags included. */
const mostCharacters = 2000;

function nameOf({ issuer }: Place, which: keyof Remembered): string {
  return `${issuer.https ? '__Host-' : 'latchkey-'}${names[which]}`;
}

export function readRemembered(settings: Place, cookieHeader: string): Remembered {
  const pairs = cookieHeader.split(';').map((one) => one.trim());
  const read = (which: keyof Remembered) => {
    const beginning = `${nameOf(settings, which)}=`;
    const value = pairs.find((one) => one.startsWith(beginning))?.slice(beginning.length);
    return value !== undefined && value.length <= mostCharacters && /^[\w.-]+$/.test(value)
      ? value
      : undefined;
  };
  return { lasting: read('lasting'), passing: read('passing') };
}

/** What is undefined is taken out of the browser, if it is there. `lifeMs`: of the lasting one, from now. */
export function writeRemembered(
  settings: Place,
  ctx: Context,
  { before, after, lifeMs }: { before: Remembered; after: Remembered; lifeMs: number },
): void {
  for (const which of ['lasting', 'passing'] as const) {
    const value = after[which];
    if (value === undefined && before[which] === undefined) continue;
    const life =
      value === undefined
        ? '; Max-Age=0'
        : which === 'lasting'
          ? `; Max-Age=${Math.floor(lifeMs / 1000)}`
          : '';
    const flags = `Path=/${life}; SameSite=Lax; HttpOnly${settings.issuer.https ? '; Secure' : ''}`;
    ctx.append('Set-Cookie', `${nameOf(settings, which)}=${value ?? ''}; ${flags}`);
  }
}
