import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Api } from '../../../clients/registry/apis/apis.ts';
import type { DetailType } from '../../../clients/registry/apis/members.ts';
import type { KnownRecords } from '../known-records.ts';
import { apiFor } from '../resources/resource-servers.ts';

type Configured = NonNullable<NonNullable<Configuration['features']>['richAuthorizationRequests']>;
type Feature = Required<Omit<Configured, 'enabled'>> & { enabled: true };
type Detail = { type: string } & Record<string, unknown>;

/**
 * Rich authorization requests (RFC 9396): permission for one thing, such as one payment, where a scope would say too much.
 * The kinds are registered with the APIs, whose tokens carry what was allowed and nobody else's. Each request is asked
 * about anew, is allowed or refused as a whole, and nothing of it is remembered for the next.
 */
export function richRequests(apis: readonly Api[], known: KnownRecords): Feature | { enabled: false } {
  const kinds = apis.flatMap((api) =>
    api.authorization_details_types.map((kind) => [kind.type, { api: api.identifier, kind }] as const),
  );
  // Without any there is no such parameter at all.
  if (kinds.length === 0) return { enabled: false };
  const byType = new Map(kinds);
  const apiOf = (type: string) => byType.get(type)?.api;

  return {
    enabled: true,
    types: Object.fromEntries(
      [...byType].map(([type, { api, kind }]) => [
        type,
        {
          async validate(ctx, detail, client) {
            assertFlow(ctx);
            assertReadable(ctx);
            if (!(await apiFor(known, client, api)))
              throw invalid(`authorization details type '${type}' is not allowed for this client`);
            if (![ctx.oidc.params?.['resource']].flat().includes(api))
              throw invalid(`authorization details type '${type}' needs resource=${api}`);
            assertFits(kind, detail as Detail);
          },
        },
      ]),
    ),
    // What the person allowed on the page of this very request.
    authorizationDetailsForGrantSource: (ctx) =>
      ctx.oidc.params?.['authorization_details'] === undefined ? undefined : (ctx.oidc.grant?.rar as never),
    authorizationDetailsForAccessToken(ctx, token, source, grantType) {
      const allowed = (grantType === 'client_credentials' ? askedIn(ctx) : source?.rar) as
        | Detail[]
        | undefined;
      const asked = askedIn(ctx);
      const beyond = asked?.some((one) => !allowed?.some((other) => isSame(one, other)));
      if (beyond) throw invalid('authorization_details has what was not allowed');
      return (asked ?? allowed)?.filter(({ type }) => apiOf(type) === token.aud) as never;
    },
    authorizationDetailsForIntrospection: (_ctx, token) => token.rar as never,
  };
}

/** Our pages for other devices name scopes only; nobody should allow what they were not shown. */
function assertFlow({ oidc }: KoaContextWithOIDC): void {
  if (oidc.route === 'device_authorization' || oidc.route === 'backchannel_authentication')
    throw invalid('authorization_details are not supported here');
}

const mostAsked = 20;

/** Each is a part of the page, and whoever has to read hundreds reads none. */
function assertReadable({ oidc }: KoaContextWithOIDC): void {
  const asked = JSON.parse(String(oidc.params?.['authorization_details'] ?? '[]')) as Detail[];
  if (asked.length > mostAsked) throw invalid(`authorization_details has more than ${mostAsked} entries`);
}

function askedIn({ oidc }: KoaContextWithOIDC): Detail[] | undefined {
  const given = oidc.route === 'token' ? oidc.params?.['authorization_details'] : undefined;
  return typeof given === 'string' ? (JSON.parse(given) as Detail[]) : undefined;
}

/** Every field that must be there, none that is not known, and each a short text or a few (RFC 9396 section 5). */
function assertFits({ type, fields }: DetailType, { type: _type, ...given }: Detail): void {
  const known = new Map(fields.map((field) => [field.name, field]));
  for (const name of Object.keys(given))
    if (!known.has(name)) throw invalid(`'${type}' has no field '${name.slice(0, 60)}'`);
  for (const { name, required, values } of fields) {
    const value = given[name];
    if (value === undefined && !required) continue;
    const texts = textsOf(value);
    if (!texts) throw invalid(`'${type}' needs the field '${name}': a text, a number, or a list of texts`);
    if (values && !texts.every((text) => values.includes(text)))
      throw invalid(`'${name}' of '${type}' must be one of ${values.join(', ')}`);
  }
}

// What a person reads must not be able to reorder, hide or blank the words around it.
const unreadable = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;

/** As the page shows it; undefined for what it could not. */
export function textsOf(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  const texts = list.map((one) => (typeof one === 'number' && Number.isFinite(one) ? String(one) : one));
  const plain = texts.every(
    (text) => typeof text === 'string' && text.trim() !== '' && text.length <= 200 && !unreadable.test(text),
  );
  return plain && texts.length > 0 && texts.length <= 20 ? (texts as string[]) : undefined;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function invalid(description: string): Error {
  return new errors.InvalidAuthorizationDetails(description);
}
