import { hash } from 'node:crypto';
import type { Client } from 'oidc-provider';
import type { Services } from '../../services.ts';
import type { PairwiseSubjects } from '../pairwise.ts';

type Settings = Pick<Services, 'settings'>;

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * `amzn1.account.` and 28 letters and digits: the name by which a company knows a person. All apps of one company know
 * the same one, and another company another (clients/registry/sector.ts).
 */
export function userIdOf(
  { settings, subjects }: Settings & { subjects: PairwiseSubjects },
  { client, accountId }: { client: Client; accountId: string },
): string {
  // Not the pairwise `sub` in another coat: whoever has both must not be able to tell that they are of one person.
  const sector = JSON.stringify(['lwa', client['sector']]);
  const subject = subjects({ sector } as unknown as Client, accountId);
  const letters = Array.from(hash('sha256', subject, 'buffer').subarray(0, 28), (byte) => base32[byte & 31]);
  return `${settings.COMPAT_ID_PREFIX}account.${letters.join('')}`;
}

/** What token information calls the family an app belongs to. */
export function appIdOf({ settings }: Settings, client: Client): string {
  const family = hash('sha256', `latchkey app family ${String(client['sector'])}`).slice(0, 32);
  return `${settings.COMPAT_ID_PREFIX}application.${family}`;
}
