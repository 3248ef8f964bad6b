import { createAccount } from '../../src/actions/create-account.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import {
  benchApps,
  benchPassword,
  benchSecret,
  personAddress,
  personProfile,
  resourceServer,
} from './apps.ts';

/** The bench's apps and people in our stores, made by the verbs that operators use, before the server starts. */
export async function seedLatchkey(
  environment: Record<string, string>,
  { people }: { people: number },
): Promise<void> {
  const services = await openServices(readSettings({ ...environment, LOG_LEVEL: 'error' }));
  try {
    for (const app of benchApps) {
      const added = await registerClient(services, {
        clientId: app.clientId,
        clientSecret: benchSecret,
        metadata: {
          client_name: app.clientId,
          ...app.metadata,
          ...(app === resourceServer ? { resource_server: '*' } : {}),
        },
      });
      if (!added.ok) throw new Error(`an app of the bench is not accepted: ${JSON.stringify(added)}`);
    }
    for (let number = 0; number < people; number += 1) {
      const address = personAddress(number);
      const made = await createAccount(services, {
        profile: personProfile(number),
        contacts: [{ channel: 'email', address, written: address, verified: true }],
        password: benchPassword,
      });
      if (!made.ok) throw new Error(`a person of the bench is not accepted: ${made.reason}`);
    }
  } finally {
    await services.close();
  }
}
