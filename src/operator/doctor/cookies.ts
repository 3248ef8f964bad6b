import type { Settings } from '../../settings.ts';
import type { Finding } from './finding.ts';

const about = 'cookies';

/** Walks to the sign-in page as a browser does, on our own addresses, and looks at the cookies on the way. */
export async function examineCookies({ issuer }: Settings): Promise<Finding[]> {
  const cookies: string[] = [];
  let address = `${issuer.origin}/account`;
  for (let steps = 0; steps < 5 && address.startsWith(`${issuer.origin}/`); steps += 1) {
    const answer = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: cookies.map((cookie) => cookie.split(';')[0]).join('; ') },
      signal: AbortSignal.timeout(5000),
    });
    await answer.body?.cancel();
    cookies.push(...answer.headers.getSetCookie());
    const next = answer.headers.get('location');
    if (!next) break;
    address = new URL(next, address).href;
  }
  return judge(cookies, issuer.https);
}

function judge(cookies: string[], https: boolean): Finding[] {
  if (cookies.length === 0)
    return [
      {
        verdict: 'FAIL',
        about,
        finding: 'none is set on the way to the sign-in page',
        advice: 'a proxy in front takes Set-Cookie away, or answers from a cache: let it pass both on',
      },
    ];
  const lacking = (what: RegExp) =>
    cookies.filter((cookie) => !what.test(cookie)).map((cookie) => cookie.split('=')[0]);
  const findings: Finding[] = [];
  const say = (what: string, names: (string | undefined)[]) => {
    if (names.length > 0)
      findings.push({
        verdict: 'FAIL',
        about,
        finding: `${names.join(', ')} ${what}`,
        advice:
          'a proxy rewrites cookies (proxy_cookie_path, proxy_cookie_flags): let it pass them as they are',
      });
  };
  say('can be read by scripts (no HttpOnly)', lacking(/;\s*httponly/i));
  say('has no SameSite', lacking(/;\s*samesite=(lax|strict)/i));
  if (https) {
    say('is not Secure', lacking(/;\s*secure/i));
    say('has no __Host- prefix', lacking(/^__Host-/));
  }
  if (findings.length > 0) return findings;
  return [
    {
      verdict: 'OK',
      about,
      finding: https
        ? 'are Secure, HttpOnly and bound to this host'
        : 'are HttpOnly; not Secure, since ISSUER is plain http on loopback',
    },
  ];
}
