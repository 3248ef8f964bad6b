import type { Context } from 'koa';
import { newSecret } from '../kit/secrets.ts';
import type { App } from '../services.ts';
import { commitTwice } from '../store/once-more.ts';
import { cookieNames } from './browser-cookies.ts';
import { layout, shortDigest } from './live-layout.ts';
import { readSession, writeSession } from './record-forms.ts';

/**
 * Gives the session of this browser a new secret, to be called after a change of how the person proves themselves (OWASP
 * ASVS 7.2.4): whoever copied the cookie before is out with it, at once and without the overlap of other changes.
 */
export async function renewSession(app: App, ctx: Context, uid: string): Promise<void> {
  const { live, clock, provider } = app;
  const key = layout.session(uid);
  const secret = newSecret();
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const [entry] = await live.read([key]);
    // Ended meanwhile: there is nothing to renew.
    if (!entry) return;
    const { former: _former, ...session } = readSession(entry.value, uid);
    const value = writeSession({ ...session, secret: shortDigest(secret) });
    const ttlMs = Math.max(1000, (session.exp ?? 0) * 1000 - clock.now());
    // The old secret opens nothing from here on: a reply that is lost must not keep the new one from its owner.
    const written = await commitTwice({ live }, [{ do: 'replace', key, expect: entry.value, value, ttlMs }]);
    if (!written.ok) continue;
    const { cookies } = provider.createContext(ctx.req, ctx.res);
    const expires = session['transient'] ? {} : { expires: new Date((session.exp ?? 0) * 1000) };
    cookies.set(cookieNames.session, `${uid}.${secret}`, { signed: true, httpOnly: true, ...expires });
    return;
  }
  throw new Error('a session kept changing while its secret was');
}
