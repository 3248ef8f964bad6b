import type { Client, Provider } from 'oidc-provider';
import { compatScopesIn, isCustomScope, onlyListed } from '../../consents/compat-scopes.ts';
import { readMember } from '../context-members.ts';
import { isCompatClient } from './token-form.ts';

type Asking = { client?: Client; params?: { scope?: string; grant_type?: string } };

/** Has the engine see what apps of this kind ask for: of scopes that are not the standard's it would say that none was given. */
export function countCompatScopes(provider: Provider): void {
  readMember<Asking, Set<string>>(provider, 'requestParamOIDCScopes', (asking, standard) => {
    const known = standard();
    if (!isCompatClient(asking.client)) return known;
    for (const name of namesIn(asking)) known.add(name);
    return known;
  });
}

/** In the order they are asked in, which the answer keeps. A machine asks for the company's own scopes alone. */
function namesIn({ client, params }: Asking): string[] {
  const names = params?.scope?.split(' ') ?? [];
  const machine = params?.grant_type === 'client_credentials';
  const ours = new Set(machine ? names.filter(isCustomScope) : compatScopesIn(names));
  return onlyListed(names, client?.scope).filter((name) => ours.has(name));
}
