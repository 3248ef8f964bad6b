import { request } from 'node:http';
import type { Settings } from '../../settings.ts';
import { examineCookies } from './cookies.ts';
import type { Finding } from './finding.ts';

/**
 * The public address, as a browser or an app reaches it: through DNS, TLS and whatever stands in front. A second look,
 * at the server's own port with the right Host, tells a proxy that changes something from a server that is wrong.
 */
export async function examineIssuer(settings: Settings): Promise<Finding[]> {
  const { issuer } = settings;
  const seen = await look(`${issuer.origin}/.well-known/openid-configuration`);
  if ('problem' in seen) return [await unreachable(settings, seen)];
  const findings = [...(await readDiscovery(settings, seen)), ...examineProxy(settings)];
  if (findings.some(({ verdict }) => verdict === 'FAIL')) return findings;
  return [...findings, ...(await examineCookies(settings))];
}

type Seen = { status: number; text: string; location: string | null };
type Unseen = { problem: string; code: string };

async function look(address: string): Promise<Seen | Unseen> {
  try {
    const answer = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(5000) });
    return { status: answer.status, text: await answer.text(), location: answer.headers.get('location') };
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: Error & { code?: string } };
    const problem = name === 'TimeoutError' ? 'no answer in 5 s' : cause?.message || cause?.code || message;
    return { problem, code: cause?.code ?? name };
  }
}

async function unreachable(settings: Settings, { problem, code }: Unseen): Promise<Finding> {
  const { issuer, PORT, HOST } = settings;
  const finding = `nothing answers at ${issuer.origin}: ${problem}`;
  const said = (advice: string): Finding => ({ verdict: 'FAIL', about: 'issuer', finding, advice });
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return said(`make a DNS record for ${new URL(issuer.origin).hostname}, or correct ISSUER`);
  if (/CERT|SIGNATURE|ISSUER|ALTNAME|SSL|TLS/.test(code))
    return said(
      `the certificate does not speak for ${issuer.host} or is not trusted here: renew it, send its whole chain, or correct ISSUER`,
    );
  const direct = await ownPort(settings);
  if (direct)
    return said(
      `the server itself answers on ${HOST}:${PORT}: let the proxy or port that serves ISSUER lead there`,
    );
  // Before the first start there is nothing wrong with that, on a machine of one's own.
  if (issuer.loopback)
    return {
      verdict: 'WARN',
      about: 'issuer',
      finding,
      advice: 'start the server (`npm start` or `latchkey start`), then ask again',
    };
  return said(`start the server; it listens on ${HOST}:${PORT}`);
}

async function readDiscovery(settings: Settings, seen: Seen): Promise<Finding[]> {
  const { issuer } = settings;
  const said = (finding: string, advice: string): Finding[] => [
    { verdict: 'FAIL', about: 'issuer', finding, advice },
  ];
  if (seen.status >= 300 && seen.status < 400)
    return said(
      `${issuer.origin} redirects to ${seen.location}`,
      'let ISSUER be the address that answers by itself; apps do not follow redirects of it',
    );
  if (seen.text.includes('content="wrong_host"') || seen.status === 421) return wrongHost(settings);
  if (seen.status !== 200)
    return said(
      `${issuer.origin} answers ${seen.status} where discovery should be`,
      (await ownPort(settings))
        ? 'the server itself answers rightly: look at what stands in front of it'
        : 'look at the log of the server',
    );
  const discovery = parsed(seen.text);
  if (typeof discovery?.['issuer'] !== 'string')
    return said(
      'what answers is not an OpenID provider',
      'another server has this address: correct ISSUER or the proxy',
    );
  if (discovery['issuer'] !== issuer.origin)
    return said(
      `discovery says ${discovery['issuer']} and ISSUER here is ${issuer.origin}`,
      'give the server and this command the same ISSUER; apps compare it letter by letter',
    );
  const strays = Object.entries(discovery).filter(
    ([name, value]) => name.endsWith('_endpoint') && !String(value).startsWith(`${issuer.origin}/`),
  );
  if (strays.length > 0)
    return said(
      `discovery sends apps elsewhere: ${strays.map(([name]) => name).join(', ')}`,
      'a proxy rewrites answers: let it pass them as they are',
    );
  return [{ verdict: 'OK', about: 'issuer', finding: `${issuer.origin} answers, and says so of itself` }];
}

async function wrongHost(settings: Settings): Promise<Finding[]> {
  const atFault = await ownPort(settings);
  return [
    {
      verdict: 'FAIL',
      about: 'proxy',
      finding: `the server was asked for another host than ${settings.issuer.host}`,
      advice: atFault
        ? 'the proxy changes the Host header: let it pass it on (nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On)'
        : 'give the server and this command the same ISSUER, and let the proxy pass the Host header on',
    },
  ];
}

/** A proxy there must be where the issuer is https, since the server speaks http. */
function examineProxy({ issuer, TRUSTED_PROXIES }: Settings): Finding[] {
  if (!issuer.https) return [];
  if (TRUSTED_PROXIES.length > 0)
    return [
      { verdict: 'OK', about: 'proxy', finding: `headers of ${TRUSTED_PROXIES.join(', ')} are believed` },
    ];
  return [
    {
      verdict: 'WARN',
      about: 'proxy',
      finding:
        'ISSUER is https, so a proxy stands in front, and TRUSTED_PROXIES is empty: every visitor seems to come from the proxy',
      advice:
        'set TRUSTED_PROXIES to its address and let it set X-Forwarded-For, or limits by address hit everybody at once',
    },
  ];
}

/** Whether a server of ours answers rightly on HOST:PORT when it is asked with the issuer's host. */
async function ownPort({ issuer, HOST, PORT }: Settings): Promise<boolean> {
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST;
  const text = await new Promise<string>((resolve) => {
    const asking = request(
      {
        host,
        port: PORT,
        path: '/.well-known/openid-configuration',
        headers: { host: issuer.host },
        timeout: 2000,
      },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          body += part;
        });
        answer.once('end', () => resolve(body)).once('error', () => resolve(''));
      },
    );
    asking
      .once('timeout', () => asking.destroy())
      .once('error', () => resolve(''))
      .end();
  });
  return parsed(text)?.['issuer'] === issuer.origin;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
