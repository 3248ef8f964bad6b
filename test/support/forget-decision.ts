import { findAccountByIdentifier } from '../../src/accounts/account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import type { World } from './world.ts';

/** As if the person had never been asked about the app, so that they see the consent page again. */
export async function forgetDecision(
  { services }: Pick<World, 'services'>,
  { email, clientId }: { email: string; clientId: string },
): Promise<void> {
  const account = await findAccountByIdentifier(services, { channel: 'email', address: email });
  if (account) await withdrawConsent(services, { accountId: account.id, clientId });
}
