import { domainToASCII } from 'node:url';
import { createTransport } from 'nodemailer';
import { seconds } from '../kit/durations.ts';
import type { Settings } from '../settings.ts';
import type { MessageBody } from './compose.ts';

/** How a message leaves. Throws when it did not, or may not have, left; a PermanentRefusal when trying again is no use. */
export type Transport = (id: string, message: MessageBody) => Promise<void>;
export type Transports = { email: Transport | undefined; sms: Transport | undefined };

export class PermanentRefusal extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'PermanentRefusal';
  }
}

export function openTransports(settings: Settings): Transports {
  return {
    email: settings.SMTP_URL === undefined ? undefined : openSmtp(settings, settings.SMTP_URL),
    sms: settings.SMS_URL === undefined ? undefined : openGateway(settings, settings.SMS_URL),
  };
}

function openSmtp({ MAIL_FROM, issuer }: Settings, url: string): Transport {
  const smtp = createTransport({
    url,
    dnsTimeout: 5 * seconds,
    connectionTimeout: 5 * seconds,
    greetingTimeout: 5 * seconds,
    socketTimeout: 15 * seconds,
    // A message is text we wrote; no part of it may name a file or an address to read.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const host = new URL(issuer.origin).hostname;
  return async (id, { to, subject, text, html }) => {
    try {
      await smtp.sendMail({
        from: MAIL_FROM,
        to: { name: '', address: asciiAddress(to) },
        subject,
        text,
        ...(html !== undefined && { html }),
        // The same in each attempt: a mailbox that got it twice can tell.
        messageId: `<${id}@${host}>`,
        // RFC 3834 section 5: nobody's holiday notice shall answer us.
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    } catch (error) {
      throw smtpRefusal(error);
    }
  };
}

/** The domain as it was compared (accounts/identifier.ts), whatever nodemailer's own idea of Unicode domains is. */
function asciiAddress(written: string): string {
  const at = written.lastIndexOf('@');
  return `${written.slice(0, at)}@${domainToASCII(written.slice(at + 1))}`;
}

/** RFC 5321 section 4.2.1: 5yz is for good. Wrong credentials (535) and a refused sender are ours to mend, so not for good. */
function smtpRefusal(error: unknown): unknown {
  const { code, responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
  const aboutRecipient = code === 'EENVELOPE' && command === 'RCPT TO';
  const forGood = responseCode !== undefined && responseCode >= 500 && aboutRecipient;
  return forGood ? new PermanentRefusal(`${code} ${responseCode}`) : error;
}

function openGateway({ SMS_TOKEN }: Settings, url: string): Transport {
  return async (id, { to, text }) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        // So that a gateway that knows the header sends a repeated one once.
        'idempotency-key': id,
        ...(SMS_TOKEN !== undefined && { authorization: `Bearer ${SMS_TOKEN}` }),
      },
      body: JSON.stringify({ to, text }),
      // A gateway does not move from one request to the next; our token must not follow it elsewhere.
      redirect: 'error',
      signal: AbortSignal.timeout(15 * seconds),
    });
    await answer.body?.cancel();
    if (answer.ok) return;
    // What the gateway says of this message will not change, unlike its mood (408, 429) and our token (401, 403, 404).
    if ([400, 410, 422].includes(answer.status)) throw new PermanentRefusal(`HTTP ${answer.status}`);
    throw new Error(`HTTP ${answer.status}`);
  };
}
