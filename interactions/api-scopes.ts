import { type Api, findApi } from '../clients/registry/apis/apis.ts';
import { textIn } from '../clients/registry/apis/members.ts';
import { apiScopeName, readApiScope } from '../src/consents/api-scopes.ts';
import type { App } from '../src/services.ts';
import type { Translator } from '../src/web/words.ts';

/** The APIs that a page speaks of, by their identifiers. */
export type KnownApis = ReadonlyMap<string, Api>;

export async function apisNamedIn(app: Pick<App, 'db'>, names: Iterable<string>): Promise<KnownApis> {
  const identifiers = new Set([...names].flatMap((name) => readApiScope(name)?.identifier ?? []));
  const found = await Promise.all([...identifiers].map((identifier) => findApi(app, identifier)));
  return new Map(found.flatMap((api) => (api ? [[api.identifier, api]] : [])));
}

/** What a request asks for at the APIs that it names (RFC 8707 section 2.1). */
export async function apiScopesIn(app: Pick<App, 'db'>, params: Record<string, unknown>): Promise<string[]> {
  const resources = [params['resource'] ?? []].flat().map(String);
  const asked = new Set(String(params['scope'] ?? '').split(' '));
  const found = await Promise.all(resources.map((identifier) => findApi(app, identifier)));
  return found.flatMap((api) => {
    const names = api?.scopes.map(({ name }) => name) ?? [];
    return names.filter((name) => asked.has(name)).map((name) => apiScopeName(api?.identifier ?? '', name));
  });
}

/** In the reader's language. */
export function apiScopeTitle(words: Translator, apis: KnownApis, name: string): string {
  const read = readApiScope(name);
  const scope = read && apis.get(read.identifier)?.scopes.find((one) => one.name === read.scope);
  return scope ? textIn(scope.title, words.locale) : (read?.scope ?? name);
}

/** Which API it is a scope of: its title alone could be anybody's. */
export function apiScopeDetail(words: Translator, apis: KnownApis, name: string): string {
  const { identifier = '' } = readApiScope(name) ?? {};
  const api = apis.get(identifier);
  return words.t('consent.at_api', { api: api ? textIn(api.name, words.locale) : identifier });
}

export function apiScopeIsOptional(apis: KnownApis, name: string): boolean {
  const read = readApiScope(name);
  const scopes = read && apis.get(read.identifier)?.scopes;
  return scopes?.find((one) => one.name === read?.scope)?.optional === true;
}
