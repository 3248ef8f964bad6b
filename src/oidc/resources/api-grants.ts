import type { Grant } from 'oidc-provider';
import { readApiScope } from '../../consents/api-scopes.ts';

/** What a person decided about APIs, in the engine's grant. Names of other scopes are not looked at. */
export function grantApiScopes(
  grant: Grant,
  { allowed, declined }: { allowed: readonly string[]; declined: readonly string[] },
): void {
  for (const { identifier, scope } of allowed.flatMap((name) => readApiScope(name) ?? []))
    grant.addResourceScope(identifier, scope);
  for (const { identifier, scope } of declined.flatMap((name) => readApiScope(name) ?? []))
    grant.rejectResourceScope(identifier, scope);
}
