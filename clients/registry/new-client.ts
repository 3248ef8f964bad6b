import type { ClientMetadata } from './metadata.ts';
import { checkClientMetadata } from './metadata.ts';
import type { FieldProblem } from './problems.ts';
import type { ClientOrigin } from './registration.ts';
import { chosenSecretProblem } from './secrets.ts';

/** `clientId` and `clientSecret` where they are to be chosen ones. */
export type NewClient = {
  metadata: unknown;
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  /** Where it came in by itself (registration.ts). */
  origin?: Exclude<ClientOrigin, 'operator'> | undefined;
  registrationDigest?: string | undefined;
};
export type NotAccepted = { ok: false; reason: 'not_accepted'; problems: FieldProblem[] };

/** The engine answers for it itself (src/oidc/account-client.ts), so a record under this name would never be read. */
const ownClientId = 'latchkey-account';

/** The rules of `addClient`, without adding: for those that look at many apps before they write the first. */
export function checkClient(
  given: NewClient,
): NotAccepted | { ok: true; metadata: ClientMetadata; notes: string[] } {
  const checked = checkClientMetadata(given.metadata);
  const chosen = chosenProblems(given, checked.ok ? checked.metadata : undefined);
  if (!checked.ok) return { ...checked, problems: [...chosen, ...checked.problems] };
  if (chosen.length > 0) return { ok: false, reason: 'not_accepted', problems: chosen };
  const short = given.clientSecret !== undefined && given.clientSecret.length < 32;
  return { ...checked, notes: [...checked.notes, ...(short ? [shortSecretNote] : [])] };
}

const shortSecretNote =
  'client_secret is shorter than 32 characters: choose a longer one, or leave it out and one is made.';

function chosenProblems(given: NewClient, metadata: ClientMetadata | undefined): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const say = (field: string, problem: string) => problems.push({ field, problem });
  // Unreserved characters only: an id stands in URLs, in Basic credentials and in the keys of the live store.
  const written =
    given.origin === 'document' ? /^https?:\/\/[\x21-\x7e]{1,248}$/ : /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;
  if (given.clientId !== undefined && !written.test(given.clientId))
    say('client_id', 'must be 1 to 128 letters, digits, dots, hyphens, underscores or tildes.');
  if (given.clientId === ownClientId) say('client_id', 'is that of our own account pages. Choose another.');
  if (given.clientSecret === undefined) return problems;
  const problem = chosenSecretProblem(given.clientSecret);
  if (problem) say('client_secret', problem);
  if (metadata && !usesSecret(metadata))
    say('client_secret', `is of no use with ${metadata.token_endpoint_auth_method}. Remove it.`);
  return problems;
}

/** Whether the app proves itself with a secret. */
export function usesSecret(metadata: ClientMetadata): boolean {
  return metadata.token_endpoint_auth_method.startsWith('client_secret_');
}
