import type { Grant, Session } from 'oidc-provider';
import { apiScopeName } from '../consents/api-scopes.ts';
import { isGrantable } from '../consents/scopes.ts';

/**
 * What a grant was decided about, by the names that a decision has for it. A session notes it for the grant that it has for
 * an app, so that whether more is asked for now is known as soon as the session is. Nothing follows from the note but in
 * which order is read what decides: it may be of a grant that is gone, or be missing.
 */
type Noted = { decided?: string };

/** In letters. A session is read at every visit, and an app may have hundreds of scopes: then there is no note. */
const longestNote = 300;

/** Allowed or declined, each once. */
export function decidedScopes(grant: Grant): string[] {
  const { resources, rejected } = grant as Pick<Grant, 'resources' | 'rejected'>;
  const ofApis = [resources, rejected?.resources].flatMap((scopes) => Object.entries(scopes ?? {}));
  const names = [
    ...grant.getOIDCScopeEncountered().split(' '),
    ...ofApis.flatMap(([identifier, of]) => of.split(' ').map((scope) => apiScopeName(identifier, scope))),
  ];
  return [...new Set(names.filter((name) => name !== ''))];
}

/** Whether every scope that a person can decide about is among those. */
export function allDecided(decided: readonly string[], scopes: readonly string[]): boolean {
  const known = new Set(decided);
  return scopes.every((scope) => known.has(scope) || !isGrantable(scope));
}

/** Answers whether that was news to the session. */
export function noteDecided(session: Session, grant: Grant): boolean {
  const clientId = String(grant.clientId);
  session.ensureClientContainer(clientId);
  const noted = session.authorizationFor(clientId) as Noted;
  const all = decidedScopes(grant).join(' ');
  const decided = all.length > longestNote ? undefined : all;
  if (noted.decided === decided) return false;
  if (decided === undefined) delete noted.decided;
  else noted.decided = decided;
  return true;
}

/** Undefined where nothing is noted. */
export function notedDecided({ authorizations }: Session, clientId: string): string[] | undefined {
  // The engine's own question would leave an empty entry for an app that is asked for.
  const noted = Object.hasOwn(authorizations ?? {}, clientId) ? (authorizations?.[clientId] as Noted) : {};
  return noted.decided?.split(' ');
}
