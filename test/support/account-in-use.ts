import { addClient } from '../../clients/registry/registry.ts';
import { addAccount } from '../../src/accounts/account.ts';
import { recordConsent } from '../../src/consents/consent.ts';
import { setPassword } from '../../src/credentials/password.ts';
import { newId, newSecret } from '../../src/kit/secrets.ts';
import { listOutbox } from '../../src/mail/outbox.ts';
import { GrantRecords } from '../../src/oidc/grant-records.ts';
import { SessionRecords } from '../../src/oidc/session-records.ts';
import type { RequestSource } from '../../src/web/request-source.ts';
import type { TestServices } from './stores.ts';

/** An account as it is in the middle of its life: a password, browsers that are signed in, apps that have access. */
export const source: RequestSource = {
  ip: '192.0.2.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  requestId: 'request-1',
};
export const password = 'heron lamp violet tuesday';

let made = 0;

export async function anAccount(services: TestServices): Promise<string> {
  made += 1;
  const email = `person${made}@example.com`;
  const phone = `+4930901820${String(made).padStart(2, '0')}`;
  const added = await addAccount(services, {
    profile: { name: 'Ada Example', locale: 'en' },
    contacts: [
      { channel: 'email', address: email, written: email, verified: true },
      { channel: 'phone', address: phone, written: phone, verified: true },
    ],
  });
  if (!added.ok) throw new Error(added.reason);
  await setPassword(services, { accountId: added.accountId, password });
  return added.accountId;
}

/** The same services, on which this happens while a password is hashed. */
export function whileHashing(services: TestServices, happens: () => Promise<unknown>): TestServices {
  const { hashQueue } = services;
  return {
    ...services,
    hashQueue: {
      ...hashQueue,
      async run<Result>(work: () => Promise<Result>): Promise<Result> {
        const result = await hashQueue.run(work);
        await happens();
        return result;
      },
    },
  };
}

/** Signs a browser in, as the engine writes it: its uid, and the grants that it works with by app. */
export async function aSession(
  services: TestServices,
  accountId: string,
  grants: Record<string, string> = {},
): Promise<string> {
  const uid = newSecret();
  const now = Math.floor(services.clock.now() / 1000);
  const authorizations = Object.fromEntries(
    Object.entries(grants).map(([clientId, grantId]) => [clientId, { sid: newId(), grantId }]),
  );
  const payload = { kind: 'Session', accountId, loginTs: now, iat: now, exp: now + 3600, authorizations };
  await new SessionRecords(services).upsert(`${uid}.${newSecret()}`, payload, 3600);
  return uid;
}

export async function aGrant(services: TestServices, accountId: string, clientId: string): Promise<string> {
  const grantId = newId();
  await new GrantRecords(services).upsert(grantId, { kind: 'Grant', accountId, clientId }, 3600);
  return grantId;
}

export async function anApp(services: TestServices, name: string): Promise<string> {
  const metadata = { client_name: name, redirect_uris: ['https://app.example/cb'] };
  const added = await addClient(services, { metadata });
  if (!added.ok) throw new Error(added.reason);
  return added.client.clientId;
}

export async function aConsent(services: TestServices, accountId: string, clientId: string): Promise<void> {
  await recordConsent(services, { accountId, clientId, allowed: ['openid', 'email'], declined: [] });
}

/** What was sent to whom, newest first. */
export async function subjectsSent(services: TestServices): Promise<string[]> {
  const messages = await listOutbox(services, { limit: 50 });
  return messages.map(({ channel, subject, text }) => `${channel}: ${subject || text.split('\n')[0]}`);
}
