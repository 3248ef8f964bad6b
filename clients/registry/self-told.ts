import { registrableScopes } from './members/flows.ts';
import { ownMembers } from './members/own.ts';
import { clientMetadata } from './metadata.ts';
import type { FieldProblem } from './problems.ts';
import type { Client } from './registry.ts';

const ours = new Set(Object.keys(ownMembers));
const known = new Set(Object.keys(clientMetadata.shape).filter((name) => !ours.has(name)));

/**
 * What of a request is metadata. Others are ignored as RFC 7591 section 2 says, and so are our own switches, which only
 * operators set, and scopes that we do not know: the answer tells what was registered. Null means left out.
 */
export function metadataOf(given: Record<string, unknown>): Record<string, unknown> {
  const members = Object.entries(given).filter(([name, value]) => {
    const [plain = '', language] = name.split('#', 2);
    return (
      value !== null && value !== '' && known.has(plain) && (language === undefined || localised.has(plain))
    );
  });
  const metadata = Object.fromEntries(members);
  if (typeof metadata['scope'] === 'string') metadata['scope'] = knownScopes(metadata['scope']);
  if (metadata['scope'] === '') delete metadata['scope'];
  return metadata;
}

const localised = new Set(['client_name', 'logo_uri', 'client_uri', 'policy_uri', 'tos_uri']);

function knownScopes(scope: string): string {
  return scope
    .split(' ')
    .filter((name) => registrableScopes.includes(name))
    .join(' ');
}

/** What operators said of an app, which it cannot take away by saying the rest anew. */
export function operatorsMembers({ metadata }: Client): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => ours.has(name)));
}

/** The registered metadata as RFC 7591 section 3.2.1 answers them. */
export function registeredMembers({ clientId, metadata, createdAt }: Client): Record<string, unknown> {
  const told = Object.entries(metadata).filter(([name]) => !ours.has(name));
  return {
    client_id: clientId,
    client_id_issued_at: Math.floor(createdAt / 1000),
    ...Object.fromEntries(told),
  };
}

/** RFC 7591 section 3.2.2. The field is named in the description, with its place in a list. */
export function registrationError(problems: readonly FieldProblem[]): {
  error: string;
  error_description: string;
} {
  const [first] = problems;
  const redirect = problems.some(({ field }) => /^redirect_uris/.test(field));
  return {
    error:
      redirect && /^redirect_uris/.test(first?.field ?? '')
        ? 'invalid_redirect_uri'
        : 'invalid_client_metadata',
    // RFC 6749 section 5.2 allows no quotes, backslashes or letters beyond ASCII here.
    error_description: problems
      .map(({ field, problem }) => `${field} ${problem}`)
      .join(' ')
      .replace(/"/g, "'")
      .replace(/[^\x20-\x7e]|\\/g, '?')
      .slice(0, 1000),
  };
}
