import { beginPasskey, enrolPasskey, type PasskeyInMaking } from '../../src/actions/enrol-passkey.ts';
import type { Entry } from '../../src/actions/sign-in.ts';
import type { Making } from '../../src/credentials/webauthn-options.ts';
import { newSecret } from '../../src/kit/secrets.ts';
import { source } from './account-in-use.ts';
import { type Client, type Flags, SoftwareAuthenticator } from './software-authenticator.ts';
import type { TestServices } from './stores.ts';

type NewKey = ConstructorParameters<typeof SoftwareAuthenticator>[0];
type Made = { making?: Making; boundTo?: string; name?: string } & Partial<NewKey> & {
    made?: Client & { flags?: Flags };
  };

/** A visit to a sign-in page in a browser of its own. */
export function anEntry(given: Partial<Entry> = {}): Entry {
  return {
    interactionUid: newSecret().slice(0, 21),
    locale: 'en',
    from: source,
    deviceTokens: [],
    stepUp: false,
    level: 0,
    ...given,
  };
}

/** Makes a passkey as the account pages do, with an authenticator in software; answers what the verb said. */
export async function enrol(services: TestServices, accountId: string, given: Made = {}) {
  const { making = 'passkey', boundTo = newSecret(), name = 'Passkey', made = {}, ...key } = given;
  const origin = services.settings.issuer.origin;
  const authenticator = new SoftwareAuthenticator({ origin, ...key });
  const what: PasskeyInMaking = { accountId, at: 'enrol', boundTo, making };
  const begun = await beginPasskey(services, what, source);
  if (!begun.ok) return { authenticator, begun, enrolled: begun };
  const response = authenticator.register(begun.options, made);
  const last = { response, fallbackName: name, locale: 'en' as const };
  return { authenticator, begun, enrolled: await enrolPasskey(services, { ...what, ...last }, source) };
}

/** As `enrol`, for tests in which that is not the question. */
export async function aPasskey(services: TestServices, accountId: string, given: Made = {}) {
  const { authenticator, enrolled } = await enrol(services, accountId, given);
  if (!enrolled.ok) throw new Error(enrolled.reason);
  return { authenticator, passkey: enrolled.passkey };
}
