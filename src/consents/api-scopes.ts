/**
 * A scope of an API, as a decision names it: `<identifier>#<scope>`. Two APIs may have scopes of one name, and what a
 * person allowed at one they did not allow at the other. No identifier has a fragment (RFC 8707 section 2), so the first
 * number sign divides.
 */
export function apiScopeName(identifier: string, scope: string): string {
  return `${identifier}#${scope}`;
}

export function readApiScope(name: string): { identifier: string; scope: string } | undefined {
  const at = name.indexOf('#');
  return at < 0 ? undefined : { identifier: name.slice(0, at), scope: name.slice(at + 1) };
}

export function isApiScope(name: string): boolean {
  return name.includes('#');
}
