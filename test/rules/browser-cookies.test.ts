import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import Koa from 'koa';
import { browserCookies } from '../../src/oidc/browser-cookies.ts';
import { openCookieKeys } from '../../src/oidc/cookie-keys.ts';

const uid = 'i'.repeat(43);
const path = `/interaction/${uid}`;
const [today, former, foreign] = ['today', 'former', 'foreign'].map((secret) => openCookieKeys([secret]));

function cookiesOf(cookie: string) {
  const koa = new Koa();
  koa.keys = openCookieKeys(['today', 'former']) as unknown as string[];
  const req = new IncomingMessage(new Socket());
  Object.assign(req, { url: path, headers: { cookie } });
  const res = new ServerResponse(req);
  const { cookies } = koa.createContext(req, res);
  return { res, cookies: browserCookies(cookies, { path, cookieHeader: cookie, https: false }) };
}

const held = (signedBy?: typeof today) => {
  const value = `interaction.${uid}=${uid}`;
  return signedBy ? `${value}; interaction.${uid}.sig=${signedBy.sign(value)}` : value;
};

describe('the cookie of an interaction', () => {
  it('is taken with a signature of ours, whether or not its reader says so', () => {
    for (const options of [undefined, { signed: true }]) {
      expect(cookiesOf(held(today)).cookies.get('interaction', options)).toBe(uid);
      expect(cookiesOf(held()).cookies.get('interaction', options)).toBeUndefined();
      expect(cookiesOf(held(foreign)).cookies.get('interaction', options)).toBeUndefined();
    }
    expect(cookiesOf(held()).cookies.get('interaction', { signed: false })).toBe(uid);
  });

  it('is taken with a signature by a former key, and gets one of today', () => {
    const { cookies, res } = cookiesOf(held(former));
    expect(cookies.get('interaction')).toBe(uid);
    const signature = today?.sign(`interaction.${uid}=${uid}`);
    expect(String(res.getHeader('set-cookie'))).toContain(`interaction.${uid}.sig=${signature};`);
  });
});
