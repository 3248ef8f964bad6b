import { isOfEarlierLife } from '../../clients/registry/stopped.ts';
import { accountClientId } from './account-client.ts';
import type { KnownRecords } from './known-records.ts';

/**
 * Some of what is issued to an app hangs on no grant: its own tokens, stored or not, pushed requests, what waits for an answer
 * on another device, and a sign-in that it began. No ending goes through them. While the app is stopped they are refused since
 * there is no such app; once it works again, since they are older than that. Its copy in this process knows the moment, so
 * that asking costs no trip. `iat` in seconds, as the engine writes it.
 */
export async function isFromEarlierLife(
  known: Pick<KnownRecords, 'client'>,
  clientId: unknown,
  { iat }: { iat?: number | undefined },
): Promise<boolean> {
  if (typeof clientId !== 'string' || clientId === accountClientId) return false;
  const client = await known.client(clientId);
  return client !== undefined && isOfEarlierLife(client, (iat ?? 0) * 1000);
}
