import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import type { Settings } from '../../settings.ts';
import type { Finding } from './finding.ts';

const about = 'mail';

/** How messages leave: whether somebody answers there. Nothing is sent. */
export async function examineMail({ SMTP_URL, SMS_URL, issuer }: Settings): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (SMTP_URL) findings.push(await examineSmtp(SMTP_URL));
  if (SMS_URL) findings.push(await examineGateway(SMS_URL));
  if (findings.length > 0) return findings;
  return [
    {
      verdict: issuer.loopback ? 'OK' : 'WARN',
      about,
      finding: 'stays in the development outbox (/dev/outbox)',
      ...(issuer.loopback ? {} : { advice: 'set SMTP_URL' }),
    },
  ];
}

async function examineSmtp(url: string): Promise<Finding> {
  const transport = createTransport({
    url,
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    dnsTimeout: 5000,
  });
  try {
    await transport.verify();
    return { verdict: 'OK', about, finding: `${new URL(url).host} answers and takes our credentials` };
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    const advice =
      code === 'EAUTH'
        ? 'correct the user and password in SMTP_URL'
        : 'check host and port of SMTP_URL; smtps:// is for port 465, smtp:// for 587 and 25';
    return { verdict: 'FAIL', about, finding: `${new URL(url).host}: ${message}`, advice };
  } finally {
    transport.close();
  }
}

/** A request would be a message, so only the connection is tried. */
async function examineGateway(address: string): Promise<Finding> {
  const { hostname, port, protocol, host } = new URL(address);
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    timeout: 5000,
  });
  const problem = await new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('timeout', () => resolve('no answer in 5 s'));
    socket.once('error', (error) => resolve(error.message));
  });
  socket.destroy();
  return problem === undefined
    ? { verdict: 'OK', about, finding: `text messages: ${host} can be reached` }
    : { verdict: 'FAIL', about, finding: `text messages: ${host}: ${problem}`, advice: 'check SMS_URL' };
}
